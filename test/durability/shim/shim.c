// A disk that fails on demand and remembers what it was told. Preloaded into a process
// (LD_PRELOAD), it sees the file calls of Node, of the kernel and of Lance alike: those through
// libc's symbols, and changes of names also where they go past libc (see `trapOthers`).
//
// Only paths below VICINAL_SHIM_ROOT are touched; everything else passes through. What the shim
// does is decided at run time by the control file (VICINAL_SHIM_CONTROL), which it maps: see
// `Control` and control.ts.
//
// - Rule: of the calls of the chosen kinds whose path contains a text, the Nth fails, once or for
//   ever, or writes only half.
// - Budget: writes fail with ENOSPC once so many bytes were written.
// - Record: every change is appended to VICINAL_SHIM_TRACE in the order in which it happened, with
//   its data (trace.ts reads it). The lock is held across call and record, so the trace's order is
//   the disk's. Writes to the file VICINAL_SHIM_MARKS become marks in that trace.
// - Sabotage: fsync that only claims to have synced, and a log whose last write never arrives.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault_trace.h"
#include "shim.h"
#include "system_call.h"

enum Flag { RECORD = 1, BUDGET = 2, NO_REAL_SYNC = 4, LIE_ABOUT_SYNC = 8, HOLD_LAST_WRITE = 16 };
enum { SHORT_WRITE = -1 };
enum { MAX_FDS = 1 << 16, MAX_FILES = 1 << 18, CONTROL_BYTES = 4096, FILTER_BYTES = 256 };

/** The control file. 64-bit words, then texts; control.ts has the same offsets.
 */
typedef struct {
  _Atomic int64_t flags;
  _Atomic int64_t ruleKinds; // bit per Kind; 0: no rule
  _Atomic int64_t ruleNth;   // 1: the first matching call from now on
  _Atomic int64_t ruleTimes; // how many calls fail from the Nth on
  _Atomic int64_t ruleErrno; // or SHORT_WRITE
  _Atomic int64_t matched;   // calls the rule's kinds and filter matched
  _Atomic int64_t injected;  // calls that were failed or shortened
  _Atomic int64_t budget;    // bytes that may still be written
  _Atomic int64_t refused;   // writes the budget refused
  _Atomic int64_t seen[KINDS];
  char padding[512 - (9 + KINDS) * 8];
  char filter[FILTER_BYTES];         // the rule's path must contain this
  char sabotageFilter[FILTER_BYTES]; // the sabotage is of files whose path contains this
                                     // contains this
} Control;
_Static_assert(sizeof(Control) == 512 + 2 * FILTER_BYTES, "control.ts knows these offsets");

typedef struct {
  char* path; // absolute; NULL where the descriptor is none of ours
  uint64_t file;
  int marks;
} Handle;

static Control noControl, *control = &noControl;
static Handle handles[MAX_FDS];
static struct {
  ino_t inode;
  uint64_t file;
} files[MAX_FILES];
static uint64_t lastFile;
static char root[PATH_MAX], marksPath[PATH_MAX];
static size_t rootLength;
static int traceFd = -1;
pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct {
  int fd; // -1: nothing is held
  char* data;
  size_t size;
  off_t offset;
} held = {-1, NULL, 0, 0};

// The real function, looked up once. `REAL` casts to the type of the symbol we
// replace.
#define REAL(name)                                                                                 \
  ({                                                                                               \
    static _Atomic(void*) found;                                                                   \
    void* symbol = atomic_load(&found);                                                            \
    if (!symbol) atomic_store(&found, symbol = dlsym(RTLD_NEXT, #name));                           \
    (__typeof__(&name))symbol;                                                                     \
  })

uint64_t fileOf(ino_t inode, int fresh) {
  static size_t inodes;
  // Where the disk never gives a number twice, there is no end of them; only a trace needs them
  // all.
  if (inodes >= MAX_FILES / 2 - 1 && !recording()) {
    memset(files, 0, sizeof files);
    inodes = 0;
  }
  for (size_t slot = inode % MAX_FILES;; slot = (slot + 1) % MAX_FILES) {
    if (files[slot].file != 0 && files[slot].inode != inode) continue;
    if (files[slot].file == 0 && ++inodes >= MAX_FILES / 2) abort();
    // An inode number is used again after an unlink; the new file is another one.
    if (files[slot].file == 0 || fresh) files[slot].file = ++lastFile;
    files[slot].inode = inode;
    return files[slot].file;
  }
}

static void start(void) {
  const char *folder = getenv("VICINAL_SHIM_ROOT"), *path = getenv("VICINAL_SHIM_CONTROL");
  if (!folder || !path || !realpath(folder, root)) return;
  int fd = (int)call(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void* mapped = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  call(SYS_close, fd);
  if (mapped == MAP_FAILED) return;
  const char *marks = getenv("VICINAL_SHIM_MARKS"), *trace = getenv("VICINAL_SHIM_TRACE");
  if (marks) strncpy(marksPath, marks, PATH_MAX - 1);
  if (trace)
    traceFd =
        (int)call(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat facts;
  if (stat(root, &facts) == 0) fileOf(facts.st_ino, 0); // the root is file 1
  rootLength = strlen(root);
  control = mapped;
}

static int has(enum Flag flag) { return (atomic_load(&control->flags) & flag) != 0; }

int recording(void) { return has(RECORD); }

/** The absolute path of `path` seen from `dirfd`, in `into`; 0 where it is not
 * below the root. */
int ours(int dirfd, const char* path, char* into) {
  pthread_once(&once, start);
  if (rootLength == 0 || !path) return 0;
  if (path[0] == '/') {
    strncpy(into, path, PATH_MAX - 1);
  } else {
    char base[PATH_MAX], link[64];
    ssize_t length;
    if (dirfd == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else if (dirfd >= 0 && dirfd < MAX_FDS && handles[dirfd].path) {
      strncpy(base, handles[dirfd].path, PATH_MAX - 1);
    } else {
      strcpy(link, "/proc/self/fd/");
      char digits[12], *end = digits + 11;
      *end = 0;
      unsigned rest = (unsigned)dirfd;
      do *--end = (char)('0' + rest % 10);
      while ((rest /= 10) > 0);
      strcat(link, end);
      if ((length = readlink(link, base, sizeof base - 1)) < 0) return 0;
      base[length] = 0;
    }
    if (strlen(base) + strlen(path) + 2 > PATH_MAX) return 0;
    strcpy(into, base);
    strcat(into, "/");
    strcat(into, path);
  }
  into[PATH_MAX - 1] = 0;
  char* out = into; // `a//b`, `a/./b` and a final slash name the same
  for (const char* in = into; *in; in++) {
    if (in[0] == '/' && (in[1] == '/' || in[1] == 0)) continue;
    if (in[0] == '/' && in[1] == '.' && (in[2] == '/' || in[2] == 0)) {
      in++;
      continue;
    }
    *out++ = *in;
  }
  *out = 0;
  if (marksPath[0] && strcmp(into, marksPath) == 0) return 1;
  return strncmp(into, root, rootLength) == 0 && (into[rootLength] == '/' || into[rootLength] == 0);
}

static Handle* handleOf(int fd) {
  return fd >= 0 && fd < MAX_FDS && handles[fd].path ? &handles[fd] : NULL;
}

const char* below(const char* path) { return path[rootLength] == '/' ? path + rootLength + 1 : ""; }

static void put(const void* data, size_t size) {
  for (const char* at = data; size > 0;) {
    ssize_t done = call(SYS_write, traceFd, at, size);
    if (done <= 0) abort(); // a trace with a hole proves nothing
    at += done;
    size -= (size_t)done;
  }
}

/** One record: event, sizes, file, offset, then both paths and the data. Called
 * under the lock. */
void record(enum Event event, uint64_t file, uint64_t offset, const char* path, const char* to,
            const void* data, size_t size) {
  if (traceFd < 0) return;
  size_t pathSize = path ? strlen(path) : 0, toSize = to ? strlen(to) : 0;
  struct {
    uint32_t event, path, to, data;
    uint64_t file, offset;
  } head = {(uint32_t)event, (uint32_t)pathSize, (uint32_t)toSize, (uint32_t)size, file, offset};
  put(&head, sizeof head);
  put(path, pathSize);
  put(to, toSize);
  put(data, size);
}

static void countCall(enum Kind kind) { atomic_fetch_add(&control->seen[kind], 1); }

/** Whether the rule strikes this call: 0, or what it is to do (an errno, or
 * SHORT_WRITE). */
int strikes(enum Kind kind, const char* path, const char* other) {
  countCall(kind);
  if (!(atomic_load(&control->ruleKinds) & (1 << kind))) return 0;
  if (control->filter[0] && !strstr(path, control->filter) &&
      !(other && strstr(other, control->filter)))
    return 0;
  int64_t number = atomic_fetch_add(&control->matched, 1) + 1,
          first = atomic_load(&control->ruleNth);
  if (number < first || number - first >= atomic_load(&control->ruleTimes)) return 0;
  atomic_fetch_add(&control->injected, 1);
  return (int)atomic_load(&control->ruleErrno);
}

/** How many of `size` bytes may be written: all, fewer, or -1 with errno set.
 */
static ssize_t allowed(Handle* handle, size_t size) {
  int what = strikes(WRITE, handle->path, NULL);
  if (what > 0) {
    errno = what;
    return -1;
  }
  if (what == SHORT_WRITE && size > 1) size /= 2;
  if (has(BUDGET) && size > 0) {
    int64_t left = atomic_fetch_sub(&control->budget, (int64_t)size);
    if (left <= 0) {
      atomic_fetch_add(&control->refused, 1);
      errno = ENOSPC;
      return -1;
    }
    if (left < (int64_t)size) size = (size_t)left;
  }
  return (ssize_t)size;
}

static int noteOpen(int fd, const char* path, int flags, int existed) {
  if (fd < 0 || fd >= MAX_FDS) return fd;
  struct stat facts;
  if (call(SYS_fstat, fd, &facts) != 0) return fd;
  Handle* handle = &handles[fd];
  free(handle->path);
  handle->path = strdup(path);
  handle->marks = marksPath[0] && strcmp(path, marksPath) == 0;
  if (handle->marks) return fd;
  handle->file = fileOf(facts.st_ino, !existed);
  if (!has(RECORD)) return fd;
  if (!existed)
    record(E_CREATE, handle->file, 0, below(path), NULL, NULL, 0);
  else if ((flags & O_TRUNC) && S_ISREG(facts.st_mode))
    record(E_TRUNCATE, handle->file, 0, NULL, NULL, NULL, 0);
  return fd;
}

static int openAny(int dirfd, const char* path, int flags, mode_t mode) {
  char full[PATH_MAX];
  if (!ours(dirfd, path, full)) return (int)call(SYS_openat, dirfd, path, flags, mode);
  FAIL_IF_STRUCK(OPEN, full, NULL);
  pthread_mutex_lock(&lock);
  struct stat facts;
  int existed = !(flags & O_CREAT) || lstat(full, &facts) == 0;
  int fd = noteOpen((int)call(SYS_openat, dirfd, path, flags, mode), full, flags, existed);
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return fd;
}

#define MODE_OF(flags)                                                                             \
  ({                                                                                               \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
      va_list rest;                                                                                \
      va_start(rest, flags);                                                                       \
      mode = va_arg(rest, mode_t);                                                                 \
      va_end(rest);                                                                                \
    }                                                                                              \
    mode;                                                                                          \
  })

int open(const char* path, int flags, ...) {
  return openAny(AT_FDCWD, path, flags, MODE_OF(flags));
}
int open64(const char* path, int flags, ...) {
  return openAny(AT_FDCWD, path, flags | O_LARGEFILE, MODE_OF(flags));
}
int openat(int dirfd, const char* path, int flags, ...) {
  return openAny(dirfd, path, flags, MODE_OF(flags));
}
int openat64(int dirfd, const char* path, int flags, ...) {
  return openAny(dirfd, path, flags | O_LARGEFILE, MODE_OF(flags));
}
int creat(const char* path, mode_t mode) {
  return openAny(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) { return creat(path, mode); }

static void forget(int fd) {
  if (!handleOf(fd)) return;
  pthread_mutex_lock(&lock);
  if (held.fd == fd) held.fd = -1; // the write that never arrives
  free(handles[fd].path);
  handles[fd].path = NULL;
  pthread_mutex_unlock(&lock);
}

int close(int fd) {
  forget(fd);
  return (int)call(SYS_close, fd);
}
// These close a descriptor inside libc, where we do not see it.
int closedir(DIR* folder) {
  forget(dirfd(folder));
  return REAL(closedir)(folder);
}
int fclose(FILE* file) {
  forget(fileno(file));
  return REAL(fclose)(file);
}

static int noteDup(int from, int to) {
  if (to < 0 || to >= MAX_FDS || from == to) return to;
  pthread_mutex_lock(&lock);
  free(handles[to].path);
  handles[to].path = NULL;
  Handle* source = handleOf(from);
  if (source) {
    handles[to] = *source;
    handles[to].path = strdup(source->path);
  }
  pthread_mutex_unlock(&lock);
  return to;
}

int dup(int fd) { return noteDup(fd, (int)call(SYS_dup, fd)); }
int dup2(int fd, int to) { return noteDup(fd, REAL(dup2)(fd, to)); }
int dup3(int fd, int to, int flags) { return noteDup(fd, (int)call(SYS_dup3, fd, to, flags)); }

static int fcntlAny(int fd, int command, void* argument) {
  int result = (int)call(SYS_fcntl, fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? noteDup(fd, result) : result;
}
#define FCNTL(name)                                                                                \
  int name(int fd, int command, ...) {                                                             \
    va_list rest;                                                                                  \
    va_start(rest, command);                                                                       \
    void* argument = va_arg(rest, void*);                                                          \
    va_end(rest);                                                                                  \
    return fcntlAny(fd, command, argument);                                                        \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

/** Where a write without an offset lands. */
static off_t positionOf(int fd) {
  struct stat facts;
  long flags = call(SYS_fcntl, fd, F_GETFL, 0);
  if (flags >= 0 && (flags & O_APPEND) && call(SYS_fstat, fd, &facts) == 0) return facts.st_size;
  return (off_t)call(SYS_lseek, fd, 0, SEEK_CUR);
}

/** Sabotage: keeps this write back and lets the one before it go. */
static ssize_t holdBack(int fd, const char* data, size_t size, off_t offset) {
  if (held.fd >= 0) call(SYS_pwrite64, held.fd, held.data, held.size, held.offset);
  if (offset < 0) {
    offset = positionOf(fd);
    call(SYS_lseek, fd, offset + (off_t)size, SEEK_SET);
  }
  free(held.data);
  held.data = memcpy(malloc(size > 0 ? size : 1), data, size);
  held.fd = fd;
  held.size = size;
  held.offset = offset;
  return (ssize_t)size;
}

/** Every write comes through here, as one span; offset -1 means at the
 * descriptor's position. */
static ssize_t writeSpan(int fd, Handle* handle, const void* data, size_t size, off_t offset) {
  ssize_t may = allowed(handle, size);
  if (may < 0) return -1;
  pthread_mutex_lock(&lock);
  ssize_t done;
  if (handle->marks) {
    if (has(RECORD)) record(E_MARK, 0, 0, NULL, NULL, data, size);
    done = call(SYS_write, fd, data, size);
  } else if (has(HOLD_LAST_WRITE) && strstr(handle->path, control->sabotageFilter) &&
             (offset >= 0 ? offset : positionOf(fd)) > 0) { // the header of a file is no record
    done = holdBack(fd, data, size, offset);
  } else {
    off_t at = offset >= 0 ? offset : positionOf(fd);
    done = offset >= 0 ? call(SYS_pwrite64, fd, data, (size_t)may, offset)
                       : call(SYS_write, fd, data, (size_t)may);
    if (done > 0 && has(RECORD))
      record(E_WRITE, handle->file, (uint64_t)at, NULL, NULL, data, (size_t)done);
  }
  int failure = errno;
  pthread_mutex_unlock(&lock);
  errno = failure;
  return done;
}

static ssize_t writeVector(int fd, Handle* handle, const struct iovec* parts, int count,
                           off_t offset) {
  size_t size = 0;
  for (int i = 0; i < count; i++) size += parts[i].iov_len;
  char *joined = malloc(size > 0 ? size : 1), *at = joined;
  for (int i = 0; i < count; i++)
    at = (char*)memcpy(at, parts[i].iov_base, parts[i].iov_len) + parts[i].iov_len;
  ssize_t done = writeSpan(fd, handle, joined, size, offset);
  int failure = errno;
  free(joined);
  errno = failure;
  return done;
}

ssize_t write(int fd, const void* data, size_t size) {
  Handle* handle = handleOf(fd);
  return handle ? writeSpan(fd, handle, data, size, -1) : REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  Handle* handle = handleOf(fd);
  return handle ? writeSpan(fd, handle, data, size, offset) : REAL(pwrite)(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return pwrite(fd, data, size, offset);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  Handle* handle = handleOf(fd);
  return handle ? writeVector(fd, handle, parts, count, -1) : REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  Handle* handle = handleOf(fd);
  return handle ? writeVector(fd, handle, parts, count, offset)
                : REAL(pwritev)(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t size) {
  Handle* handle = handleOf(fd);
  if (!handle) return (int)call(SYS_ftruncate, fd, size);
  FAIL_IF_STRUCK(TRUNCATE, handle->path, NULL);
  pthread_mutex_lock(&lock);
  int result = (int)call(SYS_ftruncate, fd, size);
  if (result == 0 && has(RECORD))
    record(E_TRUNCATE, handle->file, (uint64_t)size, NULL, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t size) {
  // Preallocation would have to be in the trace; without it callers fall back
  // to plain writes.
  if (!handleOf(fd)) return (int)call(SYS_fallocate, fd, mode, offset, size);
  errno = EOPNOTSUPP;
  return -1;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return fallocate(fd, mode, offset, size);
}
int posix_fallocate(int fd, off_t offset, off_t size) {
  return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return posix_fallocate(fd, offset, size);
}

static int syncAny(int fd, long number) {
  Handle* handle = handleOf(fd);
  if (!handle) return (int)call(number, fd);
  FAIL_IF_STRUCK(FSYNC, handle->path, NULL);
  if (has(LIE_ABOUT_SYNC) && strstr(handle->path, control->sabotageFilter)) return 0;
  if (!has(RECORD)) return has(NO_REAL_SYNC) ? 0 : (int)call(number, fd);
  pthread_mutex_lock(&lock);
  int result = has(NO_REAL_SYNC) ? 0 : (int)call(number, fd);
  if (result == 0) record(E_FSYNC, handle->file, 0, NULL, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int fsync(int fd) { return syncAny(fd, SYS_fsync); }
int fdatasync(int fd) { return syncAny(fd, SYS_fdatasync); }
// Says nothing of the file's size or of the disk's cache, so the power-loss
// model takes it for nothing.
int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  Handle* handle = handleOf(fd);
  if (handle) FAIL_IF_STRUCK(FSYNC, handle->path, NULL);
  return (int)call(SYS_sync_file_range, fd, offset, size, flags);
}

// Copies inside the operating system carry no data we could record: refused, so
// that the caller (libuv, Rust) takes its way of plain reads and writes.
ssize_t copy_file_range(int from, off64_t* fromOffset, int to, off64_t* toOffset, size_t size,
                        unsigned flags) {
  Handle* handle = handleOf(to);
  if (!handle) return call(SYS_copy_file_range, from, fromOffset, to, toOffset, size, flags);
  FAIL_IF_STRUCK(COPY, handle->path, NULL);
  errno = ENOSYS;
  return -1;
}
ssize_t sendfile(int to, int from, off_t* offset, size_t size) {
  Handle* handle = handleOf(to);
  if (!handle) return call(SYS_sendfile, to, from, offset, size);
  FAIL_IF_STRUCK(COPY, handle->path, NULL);
  errno = EINVAL;
  return -1;
}
ssize_t sendfile64(int to, int from, off64_t* offset, size_t size) {
  return sendfile(to, from, offset, size);
}

// libuv calls copy_file_range by number.
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_close) forget((int)a[0]);
  if (number == SYS_copy_file_range && handleOf((int)a[2]))
    return copy_file_range((int)a[0], (off64_t*)a[1], (int)a[2], (off64_t*)a[3], (size_t)a[4],
                           (unsigned)a[5]);
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

// Node resets every signal when it starts, and takes SIGSEGV for its WebAssembly.
static int isKept(int signal) { return signal == SIGSYS || signal == SIGSEGV || signal == SIGBUS; }
int sigaction(int signal, const struct sigaction* action, struct sigaction* old) {
  return REAL(sigaction)(signal, isKept(signal) && rootLength > 0 ? NULL : action, old);
}

__attribute__((constructor)) static void whenLoaded(void) {
  pthread_once(&once, start);
  if (rootLength == 0) return;
  traceFaults(REAL(sigaction));
  trapOthers();
}
