// Counts where the memory of this process is: bytes of data, and how many of them the operating
// system has in RAM for us.
//
// Counting reads the page table (/proc/self/pagemap, elsewhere mincore) and never touches a page,
// so it changes nothing of what it counts: eight bytes a page, half a millisecond for 100 MB.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/region.hpp"

namespace vicinal {

// One kind of data.
struct MemoryPart {
  // Held: what it takes where all of it is in RAM.
  uint64_t bytes = 0;
  // In RAM, as the system counts what is resident.
  uint64_t resident = 0;
  // Of the resident ones: pages of a mapped file, which the system can take back.
  uint64_t cache = 0;
  // Of the resident ones: from the allocator, so that its own count has them too.
  uint64_t heap = 0;
  // To be locked in RAM, and not locked because the system allows no more.
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
  // Memory of the allocator is taken to be resident: it was written to.
  static void addHeap(MemoryPart& part, uint64_t bytes);

private:
  int pageMap_ = -1;
};

// What the operating system and the allocator tell of the process; 0 where they do not.
struct ProcessMemory {
  uint64_t resident = 0;
  // Of it, pages of files: code, and mapped data that was not written to.
  uint64_t file = 0;
  // What the allocator has from the system: in use, and kept for later.
  uint64_t heapUsed = 0;
  uint64_t heapFree = 0;
};
ProcessMemory processMemory();

// Gives what the allocator keeps for later back to the system. Some milliseconds.
void trimHeap();

} // namespace vicinal
