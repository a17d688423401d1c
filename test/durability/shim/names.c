// Calls that change names: each is performed and recorded under the lock.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"
#include "system_call.h"

/** A change of names: performs the call, and records it with both paths. */
#define CHANGE_NAMES(kind, event, from, to, file, call)                                            \
  ({                                                                                               \
    FAIL_IF_STRUCK(kind, from, to);                                                                \
    pthread_mutex_lock(&lock);                                                                     \
    int result = (int)(call);                                                                      \
    int failure = errno;                                                                           \
    const char* target = to;                                                                       \
    if (result == 0 && recording())                                                                \
      record(event, file, 0, below(from), target ? below(target) : NULL, NULL, 0);                 \
    pthread_mutex_unlock(&lock);                                                                   \
    errno = failure;                                                                               \
    result;                                                                                        \
  })

int renameat2(int fromDir, const char* from, int toDir, const char* to, unsigned flags) {
  char a[PATH_MAX], b[PATH_MAX];
  if (!ours(fromDir, from, a) || !ours(toDir, to, b))
    return (int)call(SYS_renameat2, fromDir, from, toDir, to, flags);
  return CHANGE_NAMES(RENAME, E_RENAME, a, b, 0,
                      call(SYS_renameat2, fromDir, from, toDir, to, flags));
}
int renameat(int fromDir, const char* from, int toDir, const char* to) {
  return renameat2(fromDir, from, toDir, to, 0);
}
int rename(const char* from, const char* to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int fromDir, const char* from, int toDir, const char* to, int flags) {
  char a[PATH_MAX], b[PATH_MAX];
  if (!ours(fromDir, from, a) || !ours(toDir, to, b))
    return (int)call(SYS_linkat, fromDir, from, toDir, to, flags);
  return CHANGE_NAMES(LINK, E_LINK, a, b, 0, call(SYS_linkat, fromDir, from, toDir, to, flags));
}
int link(const char* from, const char* to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int dirfd, const char* path, int flags) {
  char full[PATH_MAX], *none = NULL;
  if (!ours(dirfd, path, full)) return (int)call(SYS_unlinkat, dirfd, path, flags);
  if (flags & AT_REMOVEDIR)
    return CHANGE_NAMES(RMDIR, E_RMDIR, full, none, 0, call(SYS_unlinkat, dirfd, path, flags));
  return CHANGE_NAMES(UNLINK, E_UNLINK, full, none, 0, call(SYS_unlinkat, dirfd, path, flags));
}
int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dirfd, const char* path, mode_t mode) {
  char full[PATH_MAX], *none = NULL;
  if (!ours(dirfd, path, full)) return (int)call(SYS_mkdirat, dirfd, path, mode);
  struct stat facts;
  return CHANGE_NAMES(MKDIR, E_MKDIR, full, none,
                      stat(full, &facts) == 0 ? fileOf(facts.st_ino, 1) : 0,
                      call(SYS_mkdirat, dirfd, path, mode));
}
int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
