// Where a process that dies of a bad address was, told on its stderr: such a death is rare, and a
// machine that runs tests seldom keeps a core file. One that ran out of stack says nothing.
#define _GNU_SOURCE
#include "fault_trace.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOST_FRAMES = 64 };

static void onFault(int number, siginfo_t* info, void* context) {
  (void)context;
  void* frames[MOST_FRAMES];
  char line[128];
  char name[16] = "";
  prctl(PR_GET_NAME, name);
  int length = snprintf(line, sizeof line, "\nsignal %d, code %d, address %p, thread %s:\n", number,
                        info->si_code, info->si_addr, name);
  if (write(STDERR_FILENO, line, (size_t)length) > 0)
    backtrace_symbols_fd(frames, backtrace(frames, MOST_FRAMES), STDERR_FILENO);
  signal(number, SIG_DFL);
  raise(number); // comes when this returns: the process dies of it as it would have
}

void traceFaults(RealSigaction* realSigaction) {
  void* first[1];
  backtrace(first, 1); // loads what it needs, which may allocate: not in the handler
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = onFault;
  realSigaction(SIGSEGV, &action, NULL);
  realSigaction(SIGBUS, &action, NULL);
}
