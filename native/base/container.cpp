#include "base/container.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

namespace vicinal {

namespace {

unsigned coresToRunOn() {
#ifdef __linux__
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return unsigned(CPU_COUNT(&set));
#endif
  return std::thread::hardware_concurrency();
}

// A quota that is not set reads `max` in one version, which is no number, and -1 in the other.
double shareOf(uint64_t quota, uint64_t period) {
  const bool isSet = quota > 0 && quota <= uint64_t(INT64_MAX) && period > 0;
  return isSet ? double(quota) / double(period) : 0;
}

} // namespace

uint64_t numberIn(const std::string& path, const char* label, uint64_t otherwise) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return otherwise;
  char text[4096];
  const ssize_t length = ::read(descriptor, text, sizeof text - 1);
  ::close(descriptor);
  if (length <= 0) return otherwise;
  text[length] = '\0';
  const char* found = std::strstr(text, label);
  if (found == nullptr) return otherwise;
  char* end = nullptr;
  const char* digits = found + std::strlen(label);
  const uint64_t number = std::strtoull(digits, &end, 10);
  return end == digits ? otherwise : number;
}

Container Container::now(const std::string& root) {
  Container container;
  // Version 2 has quota and period in one line.
  const std::string both = root + "/cpu.max";
  if (const uint64_t quota = numberIn(both, "", 0); quota > 0)
    container.cores = shareOf(quota, numberIn(both, " ", 0));
  else
    container.cores = shareOf(numberIn(root + "/cpu/cpu.cfs_quota_us", "", 0),
                              numberIn(root + "/cpu/cpu.cfs_period_us", "", 0));
  const uint64_t limit = numberIn(root + "/memory/memory.limit_in_bytes", "", UINT64_MAX);
  container.memoryLimit = numberIn(root + "/memory.max", "", limit);
  const uint64_t ofFirst = numberIn(root + "/memory/memory.usage_in_bytes", "", 0);
  const uint64_t used = numberIn(root + "/memory.current", "", ofFirst);
  const uint64_t idle = numberIn(root + "/memory/memory.stat", "total_inactive_file ", 0);
  container.memoryUsed =
      used - std::min(used, numberIn(root + "/memory.stat", "inactive_file ", idle));
  return container;
}

unsigned Container::coresOf(unsigned all) const {
  const double least = cores > 0 ? std::min(std::ceil(cores), double(all)) : double(all);
  return std::max(1u, unsigned(least));
}

unsigned usableCores() { return Container::now().coresOf(coresToRunOn()); }

} // namespace vicinal
