/* Landlock by its system calls (glibc has no wrappers), and rlimits. The filter of system calls is
 * in syscalls.c. */
#include "base/sandbox.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What came after the ABI 2 of Debian 12's headers. */
#define ACCESS_FS_TRUNCATE	   (1ULL << 14) /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV	   (1ULL << 15) /* ABI 5 */
#define ACCESS_NET_BIND_TCP	   (1ULL << 0)	/* ABI 4 */
#define ACCESS_NET_CONNECT_TCP	   (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL		   (1ULL << 1)

enum landlock_abi { ABI_REFER = 2, ABI_TRUNCATE, ABI_NETWORK, ABI_IOCTL, ABI_SCOPE };

/* struct landlock_ruleset_attr as of ABI 6; an older kernel is told a smaller size. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* All rights of ABI 1. */
#define ACCESS_FS_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* What makes sense on a file, as opposed to a folder. */
#define ACCESS_FS_OF_FILE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE)

#define ACCESS_FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

#define ACCESS_FS_READ_WRITE                                                            \
	(ACCESS_FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                 \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi > 0 ? (int)abi : 0;
}

static struct ruleset ruleset_of_abi(int abi, enum sandbox_profile profile)
{
	struct ruleset rules = {.handled_access_fs = ACCESS_FS_FIRST};
	if (abi >= ABI_REFER)
		rules.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		rules.handled_access_fs |= ACCESS_FS_TRUNCATE;
	if (abi >= ABI_NETWORK)
		rules.handled_access_net = ACCESS_NET_BIND_TCP |
					   (profile == SANDBOX_OFFLINE ? ACCESS_NET_CONNECT_TCP
								       : 0);
	if (abi >= ABI_IOCTL)
		rules.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
	if (abi >= ABI_SCOPE)
		rules.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return rules;
}

static size_t ruleset_size(int abi)
{
	if (abi >= ABI_SCOPE)
		return sizeof(struct ruleset);
	return abi >= ABI_NETWORK ? offsetof(struct ruleset, scoped)
				  : offsetof(struct ruleset, handled_access_net);
}

static bool allow_path(int ruleset, uint64_t handled, const struct sandbox_path *path,
		       GError **error)
{
	struct stat status;
	AUTO_FD fd = open(path->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		agnes_set_errno(error, errno, "cannot open %s for the sandbox", path->path);
		return false;
	}
	uint64_t access = path->access == SANDBOX_READ ? ACCESS_FS_READ : ACCESS_FS_READ_WRITE;
	if (!S_ISDIR(status.st_mode))
		access &= ACCESS_FS_OF_FILE;
	struct landlock_path_beneath_attr rule = {.allowed_access = access & handled,
						  .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot allow %s in the sandbox", path->path);
	return false;
}

static bool restrict_files(const struct sandbox_plan *plan, GError **error)
{
	int abi = MIN(sandbox_landlock_abi(), plan->newest_landlock);
	if (abi < 1)
		return true;
	struct ruleset rules = ruleset_of_abi(abi, plan->profile);
	AUTO_FD ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, ruleset_size(abi), 0);
	if (ruleset < 0) {
		agnes_set_errno(error, errno, "cannot create a Landlock ruleset of ABI %d", abi);
		return false;
	}
	for (size_t i = 0; i < plan->path_count; i++) {
		if (!allow_path(ruleset, rules.handled_access_fs, &plan->paths[i], error))
			return false;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot enter the Landlock sandbox");
	return false;
}

static bool check_single_thread(GError **error)
{
	g_autoptr(GDir) threads = g_dir_open("/proc/self/task", 0, error);
	if (!threads)
		return false;
	unsigned count = 0;
	while (g_dir_read_name(threads))
		count++;
	if (count == 1)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_FAILED,
			    "cannot enter the sandbox: other threads run and would stay outside");
	return false;
}

/*
 * Of root's capabilities those to read and write files that belong to others stay, which Landlock
 * bounds; the rest could raise limits or set up the network.
 */
static bool drop_capabilities(GError **error)
{
	static const uint32_t kept = 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &header, sets) == 0) {
		for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
			sets[i].permitted &= i == 0 ? kept : 0;
			sets[i].effective &= sets[i].permitted;
			sets[i].inheritable = 0;
		}
		if (syscall(SYS_capset, &header, sets) == 0)
			return true;
	}
	agnes_set_errno(error, errno, "cannot give up capabilities");
	return false;
}

bool sandbox_enter(const struct sandbox_plan *plan, GError **error)
{
	if (!check_single_thread(error))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		agnes_set_errno(error, errno, "cannot give up privileges");
		return false;
	}
	return drop_capabilities(error) && restrict_files(plan, error) &&
	       syscalls_filter(plan->profile, error);
}

/* ABI 1 is enough: truncate(), which ABI 3 adds rules for, is not among the allowed calls. */
char *sandbox_shortcomings(void)
{
	if (sandbox_landlock_abi() > 0)
		return NULL;
	return g_strdup("the kernel offers no Landlock: queries are kept from other files by "
			"DuckDB's own settings and by the guard alone; use Linux 5.13 or newer "
			"with landlock among its security modules");
}

static bool limit(int resource, uint64_t value, const char *what, GError **error)
{
	struct rlimit new = {.rlim_cur = value, .rlim_max = value};
	if (setrlimit(resource, &new) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot limit %s to %" G_GUINT64_FORMAT, what,
			(guint64)value);
	return false;
}

bool sandbox_limit(const struct sandbox_limits *limits, GError **error)
{
	return limit(RLIMIT_CORE, 0, "core dumps", error) &&
	       (limits->address_space == 0 ||
		limit(RLIMIT_AS, limits->address_space, "the address space", error)) &&
	       (limits->file_size == 0 ||
		limit(RLIMIT_FSIZE, limits->file_size, "the size of a file", error)) &&
	       (limits->open_files == 0 ||
		limit(RLIMIT_NOFILE, limits->open_files, "open files", error));
}

bool sandbox_limit_cpu(unsigned seconds, GError **error)
{
	struct rusage used;
	struct rlimit cpu;
	if (getrusage(RUSAGE_SELF, &used) < 0 || getrlimit(RLIMIT_CPU, &cpu) < 0) {
		agnes_set_errno(error, errno, "cannot read the CPU time used");
		return false;
	}
	rlim_t whole = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1;
	cpu.rlim_cur = seconds == 0 ? cpu.rlim_max : MIN(whole + seconds, cpu.rlim_max);
	if (setrlimit(RLIMIT_CPU, &cpu) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot limit the CPU time");
	return false;
}
