/*
 * The allow-lists of system calls, as data. Whatever is not named fails with EPERM, so that a
 * library which probes for a new call falls back instead of dying.
 */
#include "base/syscalls.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Harmless whatever their arguments: memory, files that Landlock lets through, time, threads. */
static const int everywhere[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mincore),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	/* descriptors that are open */
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fallocate),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(lseek),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(preadv2),
	SCMP_SYS(pselect6),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(pwritev2),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(select),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* names of files */
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(lstat),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(rmdir),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	/* time */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	SCMP_SYS(time),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	/* threads, signals and the end */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(membarrier),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_getscheduler),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sigaltstack),
	/* who and how much */
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(setrlimit),
	SCMP_SYS(sysinfo),
	SCMP_SYS(times),
	SCMP_SYS(umask),
	SCMP_SYS(uname),
};

/* What a client of the network needs besides, except socket() itself. */
static const int network[] = {
	SCMP_SYS(bind),	       SCMP_SYS(connect),    SCMP_SYS(getpeername),
	SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg),    SCMP_SYS(setsockopt), SCMP_SYS(socketpair),
};

/* Calls that are fine with some arguments only. Several rows of one call: any of them. */
static const struct {
	int call;
	struct scmp_arg_cmp argument;
} conditional[] = {
	/* Threads, never processes. glibc tries clone3, whose flags a filter cannot see, first. */
	{SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
	{SCMP_SYS(prctl), SCMP_A0_64(SCMP_CMP_EQ, PR_SET_NAME)},
	/* For itself alone. */
	{SCMP_SYS(prlimit64), SCMP_A0_64(SCMP_CMP_EQ, 0)},
	/* Not F_SETOWN and F_SETSIG, which have the kernel send a signal to any process of the same
	 * user, nor F_SETLEASE, which holds up whoever opens the file. */
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_DUPFD)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_DUPFD_CLOEXEC)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_GETFD)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_SETFD)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_GETFL)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_SETFL)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_GETLK)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_SETLK)},
	{SCMP_SYS(fcntl), SCMP_A1_32(SCMP_CMP_EQ, F_SETLKW)},
};

static bool add_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* A call that this machine's architecture lacks has a negative number. */
		if (calls[i] >= 0 && seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return false;
	}
	return true;
}

static bool add_conditional(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < G_N_ELEMENTS(conditional); i++) {
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditional[i].call, 1,
					   &conditional[i].argument) != 0)
			return false;
	}
	/* abort() and thread cancellation: signals to the process itself. */
	struct scmp_arg_cmp itself = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &itself) == 0;
}

/* New code must not enter the process: without the network nothing has to be loaded any more. */
static bool add_memory(scmp_filter_ctx filter, enum sandbox_profile profile)
{
	const uint64_t executable = profile == SANDBOX_OFFLINE ? PROT_EXEC : 0;
	struct scmp_arg_cmp protection = SCMP_A2_64(SCMP_CMP_MASKED_EQ, executable, 0);
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &protection) ==
		       0 &&
	       seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &protection) ==
		       0;
}

/* Of ioctl(), which has its own ways to F_SETOWN and can type into a terminal. */
static bool add_requests(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = {FIONBIO, FIONREAD, FIOCLEX};
	for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
		struct scmp_arg_cmp request = SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)requests[i]);
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, &request) !=
		    0)
			return false;
	}
	return true;
}

static bool add_network(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		struct scmp_arg_cmp family = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)families[i]);
		if (seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &family) !=
		    0)
			return false;
	}
	return add_requests(filter) && add_calls(filter, network, G_N_ELEMENTS(network));
}

bool syscalls_filter(enum sandbox_profile profile, GError **error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		g_error("out of memory");
	bool complete = add_calls(filter, everywhere, G_N_ELEMENTS(everywhere)) &&
			add_conditional(filter) && add_memory(filter, profile) &&
			(profile == SANDBOX_OFFLINE || add_network(filter));
	int result = complete ? seccomp_load(filter) : -EINVAL;
	seccomp_release(filter);
	if (result == 0)
		return true;
	agnes_set_errno(error, -result, "cannot load the filter of system calls");
	return false;
}
