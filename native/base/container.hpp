// What the container that the process runs in lets it have. Only Linux control groups tell, of both
// versions, as they are mounted in it; elsewhere, and where they set no bound, there is none.
#pragma once

#include <cstdint>
#include <string>

namespace vicinal {

struct Container {
  // Processor time a second, in cores; 0: all there are.
  double cores = 0;
  // Bytes; UINT64_MAX: all there are.
  uint64_t memoryLimit = UINT64_MAX;
  // Without what the system keeps of files and would give up first.
  uint64_t memoryUsed = 0;

  // `root` is where the control groups are mounted. What is used is of this moment.
  static Container now(const std::string& root = "/sys/fs/cgroup");

  // Of so many cores those that there is processor time for, rounded up. At least one.
  unsigned coresOf(unsigned all) const;
};

// Cores that this process can keep busy: those it may run on, and no more than its container has
// time for, rounded up. At least one.
unsigned usableCores();

// The number behind `label` in a small text file; `otherwise` where there is none.
uint64_t numberIn(const std::string& path, const char* label, uint64_t otherwise);

} // namespace vicinal
