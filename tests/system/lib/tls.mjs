// Certificates for servers of tests.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A certificate that signs itself, for `host` ("DNS:…" or "IP:…"), as files NAME.key and NAME.pem in the folder. */
export function selfSigned(folder, host, name = 'server') {
  const files = { key: path.join(folder, `${name}.key`), cert: path.join(folder, `${name}.pem`) };
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${host.split(':')[1]}`,
    '-addext', `subjectAltName=${host}`, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' });
  return { files, key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.cert, 'utf8') };
}
