"""Downloads a file over and over and throws it away in the kernel, so that the client costs next to nothing.

http_drain.py PORT PATH CONNECTIONS DOWNLOADS: prints the seconds that it took.
"""
import re
import selectors
import socket
import sys
import time

port, path = int(sys.argv[1]), sys.argv[2]
connections, downloads = int(sys.argv[3]), int(sys.argv[4])
request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
buffer = bytearray(1 << 20)
selector = selectors.DefaultSelector()
left = {}  # bytes to come for each socket; None while the headers are
done = 0


def receive(connection):
    """Whether this was the last of a file."""
    if left[connection] is None:
        count = connection.recv_into(buffer, 65536)
        if not buffer.startswith(b"HTTP/1.1 200 "):
            sys.exit("the server answered " + buffer[:40].decode())
        end = buffer.index(b"\r\n\r\n") + 4
        length = int(re.search(rb"(?i)content-length: (\d+)", buffer[:end]).group(1))
        left[connection] = length - (count - end)
    else:
        count = connection.recv_into(buffer, min(left[connection], len(buffer)), socket.MSG_TRUNC)
        if count == 0:
            sys.exit("the server broke off")
        left[connection] -= count
    return left[connection] == 0


begin = time.monotonic()
for _ in range(connections):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ)
    left[connection] = None
    connection.send(request)
started = connections
while done < downloads:
    for key, _ in selector.select():
        if receive(key.fileobj):
            done += 1
            if started < downloads:
                started += 1
                left[key.fileobj] = None
                key.fileobj.send(request)
print(time.monotonic() - begin)
