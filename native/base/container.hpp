// What the container that the process runs in lets it have. Only Linux control groups tell, of both
// versions, as they are mounted in it: the process's own group and all above it, the least of which
// counts. Elsewhere, and where they set no bound, there is none.
#pragma once

#include <cstdint>
#include <string>

namespace vicinal {

struct Container {
  // Processor time a second, in cores; 0: all there are.
  double cores = 0;
  // Bytes, of the group that leaves least; UINT64_MAX: all there are.
  uint64_t memoryLimit = UINT64_MAX;
  // Of the same group, without what the system keeps of files and would give up first.
  uint64_t memoryUsed = 0;

  // `root` is where the control groups are mounted, `own` the file that names the process's own.
  // What is used is of this moment.
  static Container now(const std::string& root = "/sys/fs/cgroup",
                       const std::string& own = "/proc/self/cgroup");

  uint64_t memoryLeft() const;
  // Whatever of the two bounds more.
  void boundBy(const Container& group);

  // Of so many cores those that there is processor time for, rounded up. At least one.
  unsigned coresOf(unsigned all) const;
};

// Cores that this process can keep busy: those it may run on, and no more than its container has
// time for, rounded up. At least one.
unsigned usableCores();

// The number behind `label` in a small text file; `otherwise` where there is none.
uint64_t numberIn(const std::string& path, const char* label, uint64_t otherwise);

} // namespace vicinal
