#include "distance/pairwise.hpp"

#include <algorithm>

#include "distance/kernels.hpp"

namespace vicinal {

Status squaredDistances(const float* vectors, size_t count, size_t dim, const CancelFlag* cancel,
                        Buffer<float>& distances) {
  if (!distances.resize(count * count))
    return Status(Code::ResourceExhausted, "out of memory while distances are computed");
  const DistanceManyFn many = kernels().floats.distanceMany[size_t(Metric::L2)];
  for (size_t row = 0; row < count; row++) {
    if (cancel != nullptr && cancel->isCancelled())
      return Status(Code::Cancelled, "the operation was cancelled");
    const float* query = vectors + row * dim;
    // Each pair once; the other half is its mirror image.
    float* from = distances.data() + row * count + row;
    many(query, query, nullptr, count - row, dim, from);
    for (size_t column = row + 1; column < count; column++)
      distances[column * count + row] = from[column - row];
  }
  return Status::ok();
}

namespace {

// Rows that stay in the cache while all splits are summed over them.
constexpr size_t kRowBytes = 512 * 1024;

} // namespace

Status sumsWithin(const float* distances, size_t count, const uint8_t* labels, size_t splits,
                  const CancelFlag* cancel, Buffer<double>& sums) {
  Buffer<float> masks;
  Buffer<uint32_t> chosen;
  Buffer<float> products;
  const size_t rows = std::max<size_t>(1, kRowBytes / sizeof(float) / std::max<size_t>(1, count));
  if (!sums.resizeZeroed(splits) || !masks.resize(splits * count) || !chosen.resize(rows) ||
      !products.resize(rows))
    return Status(Code::ResourceExhausted, "out of memory while distances are summed");
  for (size_t at = 0; at < splits * count; at++) masks[at] = labels[at] ? 1.0f : 0.0f;
  const DistanceManyFn many = kernels().floats.distanceMany[size_t(Metric::Dot)];
  for (size_t first = 0; first < count; first += rows) {
    if (cancel != nullptr && cancel->isCancelled())
      return Status(Code::Cancelled, "the operation was cancelled");
    const size_t end = std::min(count, first + rows);
    for (size_t split = 0; split < splits; split++) {
      uint32_t size = 0;
      for (size_t row = first; row < end; row++)
        if (labels[split * count + row]) chosen[size++] = uint32_t(row - first);
      many(masks.data() + split * count, distances + first * count, chosen.data(), size, count,
           products.data());
      // The distance of the metric is the negative product.
      for (uint32_t at = 0; at < size; at++) sums[split] -= products[at];
    }
  }
  return Status::ok();
}

} // namespace vicinal
