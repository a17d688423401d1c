// System calls that pass the shim's own trap, and the trap for those of others. See system_call.c.
#pragma once

#include <errno.h>
#include <sys/syscall.h>

/** One system call; -1 and errno as in libc. Up to six arguments. */
long call6(long number, long a, long b, long c, long d, long e, long f);
#define CALL(number, a, b, c, d, e, f, ...)                                                        \
  call6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define call(...) CALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

/** From now on changes of names that go past libc come to libc's functions (those of shim.c) all
 * the same. */
void trapOthers(void);
