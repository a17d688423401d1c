// The dot products of a MaxSim by themselves: every query vector with every vector of the
// candidates, by the kernel's own functions. No result is kept.
//
//   maxsim_bench points vectors dimensions query-vectors candidates
//
// Candidates are drawn at random of the points, anew each time, as prefetches find them. Prints
// JSON: microseconds for all candidates, the least and the median.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

#include "base/region.hpp"
#include "distance/kernels.hpp"

namespace {

using namespace vicinal;
using Clock = std::chrono::steady_clock;

constexpr int kRepeats = 301;

volatile float sink;

} // namespace

int main(int, char** argv) {
  const size_t points = strtoul(argv[1], nullptr, 10);
  const size_t vectors = strtoul(argv[2], nullptr, 10);
  const auto dim = static_cast<uint32_t>(strtoul(argv[3], nullptr, 10));
  const size_t queries = strtoul(argv[4], nullptr, 10);
  const size_t candidates = strtoul(argv[5], nullptr, 10);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  auto memory = RegionArray<float>::reserve(points * vectors * dim);
  if (!memory || !memory->grow(points * vectors * dim)) return 1;
  std::generate_n(memory->data(), points * vectors * dim, [&] { return normal(random); });
  std::vector<float> query(queries * dim);
  std::generate(query.begin(), query.end(), [&] { return normal(random); });
  const Space space(Metric::Dot, dim, memory->data());
  std::vector<float> distances(queries * vectors);
  std::vector<double> micros;
  for (int repeat = 0; repeat < kRepeats; repeat++) {
    std::vector<uint32_t> chosen(candidates);
    std::generate(chosen.begin(), chosen.end(), [&] { return uint32_t(random() % points); });
    // As they come from a set of candidates.
    std::sort(chosen.begin(), chosen.end());
    const auto started = Clock::now();
    for (const uint32_t point : chosen)
      for (size_t at = 0; at < queries; at++)
        space.scan(query.data() + at * dim, uint32_t(point * vectors), vectors,
                   distances.data() + at * vectors);
    const std::chrono::duration<double, std::micro> took = Clock::now() - started;
    sink = distances[0];
    micros.push_back(took.count());
  }
  std::sort(micros.begin(), micros.end());
  std::cout << "{\"best\":" << micros.front() << ",\"p50\":" << micros[micros.size() / 2] << "}\n";
  return 0;
}
