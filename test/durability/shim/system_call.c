// The way to the operating system that needs no libc, and the trap for those who take it.
#define _GNU_SOURCE
#include "system_call.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

// Every call to the system goes out at one instruction, which `trapOthers` lets pass.
#ifndef __x86_64__
#error "the shim knows the system calls of x86-64 only"
#endif
__asm__(
    ".text\n.globl shimRaw\nshimRaw:\n"
    "mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\nmov %r9, %r8\n"
    "mov 8(%rsp), %r9\nsyscall\n.globl shimAfterRaw\nshimAfterRaw:\nret\n.globl shimRawEnd\nshimRawEnd:\n");
extern long shimRaw(long number, long a, long b, long c, long d, long e, long f);
extern const char shimAfterRaw[], shimRawEnd[];

// Where that instruction is once others are trapped: at the same place in every process, since a
// process that is started by this one has its trap from the beginning, and cannot take it off.
#define GATE ((char*)0x5afe00000000)
#define GATE_BYTES 4096
static __typeof__(&shimRaw) gate = shimRaw;

long call6(long number, long a, long b, long c, long d, long e, long f) {
  long result = gate(number, a, b, c, d, e, f);
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}
/** A change of names that went past libc: carried out as if it had not. */
static void onTrapped(int signal, siginfo_t* info, void* context) {
  (void)signal;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  const char *path = (const char*)registers[REG_RDI], *second = (const char*)registers[REG_RSI];
  const char* to = (const char*)registers[REG_R10];
  int dir = (int)registers[REG_RDI], toDir = (int)registers[REG_RDX], failure = errno, result = -1;
  switch (info->si_syscall) {
  case SYS_rename: result = rename(path, second); break;
  case SYS_renameat: result = renameat(dir, second, toDir, to); break;
  case SYS_renameat2:
    result = renameat2(dir, second, toDir, to, (unsigned)registers[REG_R8]);
    break;
  case SYS_link: result = link(path, second); break;
  case SYS_linkat: result = linkat(dir, second, toDir, to, (int)registers[REG_R8]); break;
  case SYS_unlink: result = unlink(path); break;
  case SYS_unlinkat: result = unlinkat(dir, second, (int)registers[REG_RDX]); break;
  default: abort();
  }
  registers[REG_RAX] = result < 0 ? -errno : result;
  errno = failure;
}

/**
 * Rust's tempfile, by which Lance puts its files in place, renames with a system call of its own,
 * past libc. So the operating system is asked to send such calls to us, from wherever but the one
 * instruction above they come.
 */
void trapOthers(void) {
  if (mmap(GATE, GATE_BYTES, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != GATE)
    abort();
  memcpy(GATE, (const char*)shimRaw, (size_t)(shimRawEnd - (const char*)shimRaw));
  if (mprotect(GATE, GATE_BYTES, PROT_READ | PROT_EXEC) != 0) abort();
  gate = (__typeof__(gate))GATE;
  const uint64_t pass = (uint64_t)(GATE + (shimAfterRaw - (const char*)shimRaw));
#define FIELD(name, half)                                                                          \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name) + (half)*4)
#define TRAP_IF(number, after) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, after, 0)
  struct sock_filter program[] = {FIELD(instruction_pointer, 0),
                                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)pass, 0, 2),
                                  FIELD(instruction_pointer, 1),
                                  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(pass >> 32), 8, 0),
                                  FIELD(nr, 0),
                                  TRAP_IF(SYS_rename, 8 - 1),
                                  TRAP_IF(SYS_renameat, 6),
                                  TRAP_IF(SYS_renameat2, 5),
                                  TRAP_IF(SYS_link, 4),
                                  TRAP_IF(SYS_linkat, 3),
                                  TRAP_IF(SYS_unlink, 2),
                                  TRAP_IF(SYS_unlinkat, 1),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                                  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)};
  struct sock_fprog filter = {sizeof program / sizeof *program, program};
  int (*realSigaction)(int, const struct sigaction*, struct sigaction*) =
      (__typeof__(&sigaction))dlsym(RTLD_NEXT, "sigaction");
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
  action.sa_sigaction = onTrapped;
  if (realSigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    abort(); // half a view of the disk proves nothing
}
