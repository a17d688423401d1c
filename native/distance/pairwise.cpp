#include "distance/pairwise.hpp"

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

} // namespace vicinal
