#include <atomic>
#include <memory>
#include <thread>

#include "harness.hpp"
#include "segment/vector_space.hpp"

using namespace vicinal;
using namespace vicinal::test;

// From the first row without the vector on, rows and vertices have different numbers. Regression:
// readers beside the writer took that row for the next one's vertex, or for an invalid address.
TEST("a row without the vector never shows one, even while the next row gets one") {
  constexpr uint32_t kRows = 64, kWithout = 8;
  const float values[] = {1, 2, 3, 4};
  const RowVectors vectors{values, 1, Datatype::Float32};
  std::atomic<const VectorSpace*> shown{nullptr};
  std::atomic<bool> isReading{false}, stop{false};
  std::atomic<uint32_t> wrong{0};

  std::thread reader([&] {
    while (!stop) {
      const VectorSpace* const space = shown.load(std::memory_order_acquire);
      isReading.store(space != nullptr);
      for (int look = 0; space != nullptr && look < 200; look++)
        if (space->verticesOf(kWithout) != 0) wrong++;
    }
  });
  const int rounds = isSlow() ? 500 : 5000;
  for (int round = 0; round < rounds; round++) {
    VectorSpace space;
    VectorSpec spec;
    spec.dim = 4;
    spec.metric = Metric::L2;
    CHECK(space.reserve(spec, kRows, kRows).isOk());
    CHECK(space.grow(kRows, kRows).isOk());
    for (uint32_t row = 0; row < kWithout; row++) space.append(row, vectors);
    space.publish();
    shown.store(&space, std::memory_order_release);
    while (!isReading) std::this_thread::yield();
    // Waits for varying times, so that the readers meet different moments.
    for (int wait = 0; wait < round % 97; wait++) (void)isReading.load();
    space.append(kWithout + 1, vectors);
    space.publish();
    shown.store(nullptr);
    while (isReading) std::this_thread::yield();
  }
  stop = true;
  reader.join();
  CHECK_EQUAL(wrong.load(), 0u);
}
