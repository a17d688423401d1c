// What the files of the shim share; see shim.c.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum Kind { OPEN, WRITE, TRUNCATE, FSYNC, RENAME, LINK, UNLINK, MKDIR, RMDIR, COPY, KINDS };
enum Event {
  E_CREATE = 1,
  E_WRITE,
  E_TRUNCATE,
  E_FSYNC,
  E_RENAME,
  E_LINK,
  E_UNLINK,
  E_MKDIR,
  E_RMDIR,
  E_MARK
};

/** Held across a call and its record. */
extern pthread_mutex_t lock;

int recording(void);
/** The absolute path of `path` seen from `dirfd`, in `into` (PATH_MAX); 0 where it is not below the
 * root. */
int ours(int dirfd, const char* path, char* into);
/** An absolute path of ours as seen from the root. */
const char* below(const char* path);
/** The number of the file or folder; a new one where `fresh` says the inode was just made. */
uint64_t fileOf(ino_t inode, int fresh);
/** Whether the rule strikes this call: 0, or what it is to do (an errno, or SHORT_WRITE). */
int strikes(enum Kind kind, const char* path, const char* other);
/** Appends to the trace: event, sizes, file, offset, then both paths and the data. Under the lock.
 */
void record(enum Event event, uint64_t file, uint64_t offset, const char* path, const char* to,
            const void* data, size_t size);

#define FAIL_IF_STRUCK(kind, path, other)                                                          \
  do {                                                                                             \
    int what = strikes(kind, path, other);                                                         \
    if (what > 0) {                                                                                \
      errno = what;                                                                                \
      return -1;                                                                                   \
    }                                                                                              \
  } while (0)
