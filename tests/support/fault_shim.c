/*
 * A library to be preloaded into a program, which makes its calls to the file system fail where a test says so: the
 * n-th call, of certain kinds, that concerns a path below certain folders. What is to happen stands in a small file
 * that the test writes while the program runs, so one process serves many tries.
 *
 * FAULT_CONTROL names that file: eight numbers of 64 bits in this machine's order (see struct control).
 * FAULT_PREFIXES names the folders or files, with colons between them. FAULT_LOG, if set, names a file that gets a
 * line for each call that counts: its number, its name, its path.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  int64_t count;  /* calls that counted so far */
  int64_t at;     /* the number of the call that fails, from 1; 0 for none */
  int64_t action; /* an errno, or one of the actions below */
  int64_t kinds;  /* a bit for each kind of call that counts */
  int64_t lasts;  /* not 0: every later call that counts fails too */
  int64_t fired;  /* calls that failed */
  int64_t spare[2];
};

enum { SHORT_WRITE = -1, KILL_BEFORE = -2, KILL_AFTER = -3, TORN_WRITE = -4 };
enum { WRITE = 1, SYNC = 2, RENAME = 4, OPEN = 8, MAKE = 16, TRUNCATE = 32, ATTRIBUTES = 64, REMOVE = 128, READ = 256 };

static struct control *control;
static char prefixes[8][PATH_MAX];
static int prefix_count;
static int log_fd = -1;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULT_CONTROL");
  const char *list = getenv("FAULT_PREFIXES");
  const char *log = getenv("FAULT_LOG");
  if (path == NULL || list == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (memory == MAP_FAILED) return;
  while (*list != 0 && prefix_count < 8) {
    size_t size = strcspn(list, ":");
    if (size > 0 && size < PATH_MAX) {
      memcpy(prefixes[prefix_count], list, size);
      prefixes[prefix_count++][size] = 0;
    }
    list += size + (list[size] == ':');
  }
  if (log != NULL) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  control = memory;
}

static int is_meant(const char *path) {
  for (int i = 0; i < prefix_count; i++) {
    if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0) return 1;
  }
  return 0;
}

/* Returns what is to be done with this call: 0 to let it through, else an action. */
static int64_t decide(int64_t kind, const char *name, const char *path) {
  if (control == NULL || path == NULL || (control->kinds & kind) == 0 || !is_meant(path)) return 0;
  int64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
  int64_t at = control->at;
  int fails = at > 0 && (number == at || (control->lasts != 0 && number > at));
  if (log_fd >= 0) {
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%lld %s %s%s\n", (long long)number, name, path, fails ? " FAILS" : "");
    if (size > 0) syscall(SYS_write, log_fd, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
  }
  if (!fails) return 0;
  __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
  if (control->action == KILL_BEFORE) syscall(SYS_kill, getpid(), SIGKILL);
  return control->action;
}

static int64_t decide_fd(int64_t kind, const char *name, int fd) {
  if (control == NULL || (control->kinds & kind) == 0) return 0;
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return decide(kind, name, path);
}

/* What a call that cannot be cut short comes to; a negative action that is not for it lets it through. */
#define FAIL(action) if ((action) > 0) { errno = (int)(action); return -1; }
#define DIE_AFTER(action) if ((action) == KILL_AFTER || (action) == TORN_WRITE) syscall(SYS_kill, getpid(), SIGKILL)

/* Times are set by name, or where there is none, by file; in a function of its own, or the compiler takes it for known that there is one. */
__attribute__((noinline)) static int64_t decide_at(int64_t kind, const char *name, int folder, const char *path) {
  return path != NULL && path[0] == '/' ? decide(kind, name, path) : decide_fd(kind, name, folder);
}

#define SIMPLE(type, name, parameters, arguments, verdict)            \
  type name parameters {                                             \
    static type(*next) parameters;                                   \
    if (next == NULL) next = (type(*) parameters)real(#name);        \
    int64_t action = (verdict);                                      \
    FAIL(action)                                                     \
    type result = next arguments;                                    \
    DIE_AFTER(action);                                               \
    return result;                                                   \
  }

SIMPLE(int, fsync, (int fd), (fd), decide_fd(SYNC, "fsync", fd))
SIMPLE(int, fdatasync, (int fd), (fd), decide_fd(SYNC, "fdatasync", fd))
SIMPLE(int, ftruncate, (int fd, off_t size), (fd, size), decide_fd(TRUNCATE, "ftruncate", fd))
SIMPLE(int, ftruncate64, (int fd, off64_t size), (fd, size), decide_fd(TRUNCATE, "ftruncate", fd))
SIMPLE(int, fchmod, (int fd, mode_t mode), (fd, mode), decide_fd(ATTRIBUTES, "fchmod", fd))
SIMPLE(int, chmod, (const char *path, mode_t mode), (path, mode), decide(ATTRIBUTES, "chmod", path))
SIMPLE(int, futimens, (int fd, const struct timespec times[2]), (fd, times), decide_fd(ATTRIBUTES, "futimens", fd))
SIMPLE(int, utimensat, (int folder, const char *path, const struct timespec times[2], int flags),
       (folder, path, times, flags),
       decide_at(ATTRIBUTES, "utimensat", folder, path))
SIMPLE(int, mkdir, (const char *path, mode_t mode), (path, mode), decide(MAKE, "mkdir", path))
SIMPLE(int, unlink, (const char *path), (path), decide(REMOVE, "unlink", path))
SIMPLE(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags),
       decide_at(REMOVE, "unlinkat", folder, path))
SIMPLE(int, rmdir, (const char *path), (path), decide(REMOVE, "rmdir", path))
SIMPLE(int, rename, (const char *from, const char *to), (from, to),
       decide(RENAME, "rename", to != NULL && is_meant(to) ? to : from))
SIMPLE(ssize_t, read, (int fd, void *bytes, size_t size), (fd, bytes, size), decide_fd(READ, "read", fd))
SIMPLE(ssize_t, pread64, (int fd, void *bytes, size_t size, off64_t at), (fd, bytes, size, at),
       decide_fd(READ, "pread", fd))

/* How much of a write goes through: half of it where it is cut short, all of it otherwise. */
static size_t part(int64_t action, size_t size) {
  return (action == SHORT_WRITE || action == TORN_WRITE) && size > 1 ? size / 2 : size;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  static ssize_t (*next)(int, const void *, size_t);
  if (next == NULL) next = (ssize_t(*)(int, const void *, size_t))real("write");
  int64_t action = decide_fd(WRITE, "write", fd);
  FAIL(action)
  ssize_t result = next(fd, bytes, part(action, size));
  DIE_AFTER(action);
  return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (next == NULL) next = (ssize_t(*)(int, const void *, size_t, off64_t))real("pwrite64");
  int64_t action = decide_fd(WRITE, "pwrite", fd);
  FAIL(action)
  ssize_t result = next(fd, bytes, part(action, size), at);
  DIE_AFTER(action);
  return result;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  static ssize_t (*next)(int, const struct iovec *, int);
  if (next == NULL) next = (ssize_t(*)(int, const struct iovec *, int))real("writev");
  int64_t action = decide_fd(WRITE, "writev", fd);
  FAIL(action)
  ssize_t result = next(fd, pieces, action < 0 && count > 1 ? 1 : count);
  DIE_AFTER(action);
  return result;
}

/* Opening counts where it makes or empties a file. */
static int64_t decide_open(const char *name, const char *path, int flags) {
  return (flags & (O_CREAT | O_TRUNC)) != 0 ? decide(OPEN, name, path) : 0;
}

#define OPENING(name)                                                    \
  int name(const char *path, int flags, ...) {                           \
    static int (*next)(const char *, int, ...);                          \
    if (next == NULL) next = (int (*)(const char *, int, ...))real(#name); \
    va_list rest;                                                        \
    va_start(rest, flags);                                               \
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                        \
    int64_t action = decide_open(#name, path, flags);                    \
    FAIL(action)                                                         \
    int result = next(path, flags, mode);                                \
    DIE_AFTER(action);                                                   \
    return result;                                                       \
  }

OPENING(open)
OPENING(open64)
