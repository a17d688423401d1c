// Processor time of the calling thread, in seconds.
#pragma once

#include <ctime>

namespace vicinal {

inline double threadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

} // namespace vicinal
