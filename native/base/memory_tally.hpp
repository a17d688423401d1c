// Counts the memory of this process: bytes of data, and how many of them are resident in RAM.
//
// Counting reads the page table (/proc/self/pagemap, elsewhere mincore) and never touches a page,
// so it changes no residency. It reads eight bytes a page: half a millisecond for 100 MB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/region.hpp"

namespace vicinal {

// Memory of one kind of data.
struct MemoryPart {
  // Bytes held: the size if all of it were in RAM.
  uint64_t bytes = 0;
  // Bytes in RAM, as the system counts resident memory.
  uint64_t resident = 0;
  // Resident bytes that are clean pages of a mapped file; the system can reclaim them.
  uint64_t cache = 0;
  // Resident bytes from the allocator; the allocator's own statistics include them.
  uint64_t heap = 0;
  // Bytes that should be locked in RAM but are not, because the system's limit is reached.
  uint64_t unlocked = 0;

  void add(const MemoryPart& other);
};

class MemoryTally {
public:
  MemoryTally();
  ~MemoryTally();
  MemoryTally(const MemoryTally&) = delete;
  MemoryTally& operator=(const MemoryTally&) = delete;

  void add(MemoryPart& part, const Region& region) const;
  template <typename T> void add(MemoryPart& part, const RegionArray<T>& array) const {
    add(part, array.region());
  }
  // Counts memory of the allocator as resident, since it was written to.
  static void addHeap(MemoryPart& part, uint64_t bytes);

private:
  int pageMap_ = -1;
};

// Memory of the whole process as the system and the allocator report it; 0 where they do not.
struct ProcessMemory {
  uint64_t resident = 0;
  // Resident pages of files: code, and mapped data that was never written.
  uint64_t file = 0;
  // Bytes that the allocator took from the system: in use, and free for later use.
  uint64_t heapUsed = 0;
  uint64_t heapFree = 0;
};
ProcessMemory processMemory();

// Returns the allocator's free memory to the system. Takes some milliseconds.
void trimHeap();

} // namespace vicinal
