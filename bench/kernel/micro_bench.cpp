// Each distance kernel by dimension and by where its rows lie, beside the rate at which one core of
// this machine loads from there.
//
//   micro_bench
//
// Rows are asked for as a hop of a graph asks: 32 at a time, at random. Prints JSON: bandwidths,
// and for each kernel nanoseconds a distance.
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/region.hpp"
#include "distance/kernels.hpp"
#include "quantize/rabitq_kernels.hpp"
#include "quantize/sq8_kernels.hpp"

namespace {

using namespace vicinal;
using Clock = std::chrono::steady_clock;

constexpr size_t kHop = 32;
constexpr size_t kHops = 4096;
// Short, and many: other work on the machine spoils some of them only.
constexpr double kSeconds = 0.005;
constexpr int kRepeats = 9;

struct Place {
  const char* name;
  size_t bytes;
};
// Half of the second-level cache, a share of the third that one core surely has, and far beyond.
constexpr Place kPlaces[] = {{"L2", 512u << 10}, {"L3", 8u << 20}, {"RAM", 768u << 20}};
constexpr uint32_t kDims[] = {100, 256, 384, 512, 784, 1024, 1536};
constexpr Isa kIsas[] = {Isa::Scalar, Isa::Neon, Isa::Avx2, Isa::Avx512};

volatile uint64_t sink;

// Best rate of `work`, which answers how many units it did.
double nanosecondsOf(const std::function<size_t()>& work) {
  double best = 1e300;
  work();
  for (int repeat = 0; repeat < kRepeats; repeat++) {
    const auto started = Clock::now();
    size_t units = 0;
    double seconds = 0;
    while (seconds < kSeconds) {
      units += work();
      seconds = std::chrono::duration<double>(Clock::now() - started).count();
    }
    best = std::min(best, seconds * 1e9 / double(units));
  }
  return best;
}

// Bytes a nanosecond, read one after the other with the widest loads there are.
double bandwidthOf(const uint8_t* memory, size_t bytes) {
  using Wide = uint64_t __attribute__((vector_size(64)));
  constexpr size_t kChains = 8;
  const auto* const words = reinterpret_cast<const Wide*>(memory);
  const size_t count = bytes / sizeof(Wide);
  return 1 / nanosecondsOf([&] {
           Wide sums[kChains] = {};
           for (size_t i = 0; i < count; i += kChains)
             for (size_t chain = 0; chain < kChains; chain++) sums[chain] ^= words[i + chain];
           for (size_t chain = 1; chain < kChains; chain++) sums[0] ^= sums[chain];
           sink = sums[0][0];
           return bytes;
         });
}

struct Kernel {
  std::string name;
  std::string isa;
  uint32_t dim;
  size_t stride;
  // Distances to rows by number.
  std::function<void(const uint32_t* ids, size_t count, float* out)> distances;
};

std::vector<uint32_t> rowsIn(size_t bytes, size_t stride) {
  const auto rows = uint32_t(bytes / stride);
  std::vector<uint32_t> ids(kHop * kHops);
  uint64_t state = 1;
  for (uint32_t& id : ids) {
    state = state * 6364136223846793005 + 1442695040888963407;
    id = uint32_t((state >> 33) % rows);
  }
  return ids;
}

std::string measured(const Kernel& kernel) {
  std::string text = "{\"kernel\":\"" + kernel.name + "\",\"isa\":\"" + kernel.isa +
                     "\",\"dim\":" + std::to_string(kernel.dim) +
                     ",\"bytes\":" + std::to_string(kernel.stride);
  for (const Place& place : kPlaces) {
    const std::vector<uint32_t> ids = rowsIn(place.bytes, kernel.stride);
    size_t hop = 0;
    float out[kHop];
    const double nanoseconds = nanosecondsOf([&] {
      for (int i = 0; i < 64; i++, hop = (hop + 1) % kHops)
        kernel.distances(&ids[hop * kHop], kHop, out);
      return 64 * kHop;
    });
    char field[64];
    std::snprintf(field, sizeof field, ",\"%s\":%.2f", place.name, nanoseconds);
    text += field;
  }
  return text + "}";
}

void addVectors(std::vector<Kernel>& kernels, const Kernels& set, uint32_t dim,
                const uint8_t* memory, const float* query) {
  static constexpr std::pair<Metric, const char*> metrics[] = {
      {Metric::Dot, "dot"}, {Metric::L2, "L2"}, {Metric::L1, "L1"}};
  static constexpr std::pair<Datatype, const char*> types[] = {
      {Datatype::Float32, "float "}, {Datatype::Float16, "half "}, {Datatype::Uint8, "byte "}};
  for (const auto& [datatype, type] : types)
    for (const auto& [metric, name] : metrics) {
      const DistanceManyFn many = set.of(datatype).distanceMany[size_t(metric)];
      kernels.push_back({std::string(type) + name, set.name, dim, dim * bytesOf(datatype),
                         [=](const uint32_t* ids, size_t count, float* out) {
                           many(query, memory, ids, count, dim, out);
                         }});
    }
}

void addSq8(std::vector<Kernel>& kernels, const Sq8Kernels& set, uint32_t dim, uint8_t* memory,
            const float* query) {
  static constexpr std::pair<Metric, const char*> metrics[] = {{Metric::Dot, "SQ8 dot"},
                                                               {Metric::L2, "SQ8 L2"}};
  for (const auto& [metric, name] : metrics) {
    const Sq8Space space(metric, dim, memory);
    auto prepared = std::make_shared<Sq8Query>();
    space.prepare(query, *prepared);
    const Sq8ManyFn many = metric == Metric::L2 ? set.l2 : set.dot;
    const size_t stride = space.stride();
    kernels.push_back(
        {name, set.name, dim, stride, [=](const uint32_t* ids, size_t count, float* out) {
           many(*prepared, memory, stride, ids, count, out);
         }});
  }
}

void addRabitq(std::vector<Kernel>& kernels, const RabitqKernels& set, uint32_t dim,
               uint8_t* memory, const float* query) {
  const auto model = std::make_shared<const RabitqModel>(std::vector<float>(dim, 0.5f));
  for (const uint32_t bits : {1u, 4u}) {
    const RabitqSpace space(Metric::Dot, bits, memory, model);
    auto prepared = std::make_shared<RabitqQuery>();
    space.prepare(query, *prepared);
    const RabitqManyFn many = bits == 1 ? set.of1 : set.of4;
    const size_t stride = space.stride();
    kernels.push_back({"RaBitQ " + std::to_string(bits) + " bit", set.name, dim, stride,
                       [=](const uint32_t* ids, size_t count, float* out) {
                         many(*prepared, memory, stride, ids, count, out);
                       }});
  }
}

} // namespace

int main() {
  const size_t bytes = kPlaces[std::size(kPlaces) - 1].bytes;
  // In such pages as segments have.
  auto region = Region::reserve(bytes, Region::Pages::Huge);
  if (!region || !region->grow(bytes)) {
    std::fprintf(stderr, "no memory\n");
    return 2;
  }
  auto* const memory = reinterpret_cast<uint8_t*>(region->data());
  // Any four of these bytes are an ordinary float between 1e-5 and 1: no denormals to slow it.
  for (size_t i = 0; i < bytes; i++) memory[i] = uint8_t(0x38 | ((i * 2654435761u) >> 13 & 7));
  std::vector<float> query(2048);
  for (size_t i = 0; i < query.size(); i++) query[i] = float((i * 37) % 101) / 101 - 0.3f;

  std::cout << "{\"bandwidth\":{";
  for (const Place& place : kPlaces)
    std::cout << (&place == kPlaces ? "\"" : ",\"") << place.name
              << "\":" << bandwidthOf(memory, place.bytes);
  std::cout << "},\n\"kernels\":[";
  std::vector<Kernel> kernels;
  for (const uint32_t dim : kDims) {
    for (const Isa isa : kIsas) {
      if (const Kernels* set = kernelsFor(isa))
        addVectors(kernels, *set, dim, memory, query.data());
      if (const Sq8Kernels* set = sq8KernelsFor(isa))
        addSq8(kernels, *set, dim, memory, query.data());
      if (const RabitqKernels* set = rabitqKernelsFor(isa))
        addRabitq(kernels, *set, dim, memory, query.data());
    }
  }
  for (size_t at = 0; at < kernels.size(); at++)
    std::cout << (at > 0 ? ",\n  " : "\n  ") << measured(kernels[at]);
  std::cout << "]}\n";
  return 0;
}
