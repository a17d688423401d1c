#include "quantize/rabitq.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>

#include "quantize/projection.hpp"
#include "quantize/rabitq_kernels.hpp"

namespace vicinal {

namespace {

constexpr size_t kRowAlign = 32;
constexpr size_t kPlaneAlign = 64;
constexpr float kQuerySteps = 127;
constexpr int kMostCode = 15;
constexpr float kMiddleOf4 = 7.5f;
constexpr float kMiddleOf1 = 0.5f;
// The best step of 16 levels for a normal distribution, as a share of its deviation (Max, 1960).
constexpr float kNormalStep = 0.3352f;
// Rows are not exactly normal, so each of these multiples of the step is tried and the best is
// taken.
constexpr float kStepsTried[] = {0.8f, 0.9f, 1.0f, 1.1f, 1.2f};

size_t roundUp(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Components in one plane of the query.
size_t planeLength(uint32_t bits, size_t dim) { return bits == 1 ? dim : (dim + 1) / 2; }

// Bytes of a row's codes that a kernel reads.
size_t codeBytes(uint32_t bits, size_t dim) {
  return bits == 1 ? roundUp(dim, 64) / 8 : planeLength(bits, dim);
}

// The directions with the rotation applied, so that they give rotated components at once.
std::shared_ptr<const CodedDirections> turnedBy(const Rotation& rotation,
                                                const Projection& projection) {
  const uint32_t dim = projection.dim();
  std::vector<float> directions(projection.directions().begin(),
                                projection.directions().begin() + size_t(rotation.dim()) * dim);
  std::vector<float> column(rotation.dim());
  for (uint32_t i = 0; i < dim; i++) {
    for (uint32_t row = 0; row < rotation.dim(); row++)
      column[row] = directions[size_t(row) * dim + i];
    rotation.apply(column.data());
    for (uint32_t row = 0; row < rotation.dim(); row++)
      directions[size_t(row) * dim + i] = column[row];
  }
  return std::make_shared<const CodedDirections>(directions, dim);
}

int codeOf(float value, float inverseStep) {
  const float code = value * inverseStep + float(kMostCode + 1) / 2;
  return int(std::min(float(kMostCode), std::max(0.0f, code)));
}

// The greatest magnitude. Works in lanes, because a single chain of maxima would wait for each one.
float greatestOf(std::span<const float> values) {
  constexpr size_t kLanes = 16;
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; lane++) {
      const float size = std::fabs(values[i + lane]);
      lanes[lane] = size > lanes[lane] ? size : lanes[lane];
    }
  for (; i < values.size(); i++) lanes[0] = std::max(lanes[0], std::fabs(values[i]));
  return *std::max_element(lanes, lanes + kLanes);
}

// Writes the values, multiplied by `stretch`, as the nearest integers. Returns their sum.
int32_t writePlane(std::span<const float> values, float stretch, int8_t* codes) {
  int32_t sum = 0;
  for (size_t i = 0; i < values.size(); i++) {
    const float steps = values[i] * stretch;
    const auto code = static_cast<int8_t>(steps + std::copysign(0.5f, steps));
    codes[i] = code;
    sum += code;
  }
  return sum;
}

// The dot product of a vector with its grid vector, and the squared length of the grid vector.
struct Fit {
  double dot = 0;
  double squares = 0;
  // Proportional to the cosine between the two, for comparing steps.
  double cosine() const { return squares > 0 ? dot / std::sqrt(squares) : 0; }
};

Fit fitOf4(std::span<const float> values, float inverseStep) {
  Fit fit;
  for (const float value : values) {
    const float point = float(codeOf(value, inverseStep)) - kMiddleOf4;
    fit.dot += double(point) * value;
    fit.squares += double(point) * point;
  }
  return fit;
}

Fit write4(std::span<const float> values, float length, uint8_t* row) {
  const float step = kNormalStep * length / std::sqrt(float(values.size()));
  Fit best;
  float inverse = 0;
  for (const float tried : kStepsTried) {
    const Fit fit = fitOf4(values, 1 / (step * tried));
    if (fit.cosine() <= best.cosine()) continue;
    best = fit;
    inverse = 1 / (step * tried);
  }
  const size_t half = planeLength(4, values.size());
  for (size_t i = 0; i < values.size(); i++) {
    const int code = codeOf(values[i], inverse);
    row[i % half] |= uint8_t(i < half ? code : code << 4);
  }
  return best;
}

Fit write1(std::span<const float> values, uint8_t* row) {
  Fit fit;
  for (size_t i = 0; i < values.size(); i++) {
    if (values[i] > 0) row[i / 8] |= uint8_t(1u << (i % 8));
    fit.dot += double(kMiddleOf1) * std::fabs(values[i]);
  }
  fit.squares = double(kMiddleOf1) * kMiddleOf1 * double(values.size());
  return fit;
}

} // namespace

std::shared_ptr<const RabitqModel> RabitqModel::train(const float* sample, size_t count,
                                                      uint32_t dim, const Projection* projection,
                                                      uint32_t bits) {
  std::vector<double> sums(dim, 0);
  for (size_t row = 0; row < count; row++)
    for (uint32_t i = 0; i < dim; i++) sums[i] += double(sample[row * dim + i]);
  std::vector<float> centre(dim);
  for (uint32_t i = 0; i < dim; i++) centre[i] = count == 0 ? 0 : float(sums[i] / double(count));
  if (projection != nullptr) {
    // The components of the mean are the mean of the components.
    std::vector<float> components(projection->reducedDim());
    projection->apply(centre.data(), components.data());
    components.resize(RabitqSpace::worthCoding(bits, projection->reducedDim()));
    centre.swap(components);
  }
  return std::make_shared<const RabitqModel>(std::move(centre));
}

RabitqModel::RabitqModel(std::vector<float> centreOfRows)
    : rotation(uint32_t(centreOfRows.size())), centre(std::move(centreOfRows)),
      rotatedCentre(centre) {
  rotation.apply(rotatedCentre.data());
  double squares = 0;
  for (const float value : centre) squares += double(value) * value;
  centreSquares = float(squares);
}

RabitqSpace::RabitqSpace(Metric metric, uint32_t bits, uint8_t* firstRow,
                         std::shared_ptr<const RabitqModel> model, const Projection* projection)
    : metric_(metric), bits_(bits), dim_(model->rotation.dim()), stride_(strideOf(bits, dim_)),
      rows_(firstRow), manyFn_(bits == 1 ? rabitqKernels().of1 : rabitqKernels().of4),
      model_(std::move(model)), projection_(projection) {
  if (projection != nullptr) turned_ = turnedBy(model_->rotation, *projection);
}

uint64_t RabitqSpace::bytes() const { return turned_ ? turned_->bytes() : 0; }

uint32_t RabitqSpace::strideOf(uint32_t bits, uint32_t dim) {
  // With 4 bits, kernels read whole planes of 64 bytes. Bytes behind the codes are multiplied by
  // zeros of the query.
  const size_t read = bits == 1 ? 0 : roundUp(codeBytes(bits, dim), kPlaneAlign);
  return uint32_t(std::max(read, roundUp(codeBytes(bits, dim) + sizeof(RabitqTerms), kRowAlign)));
}

uint32_t RabitqSpace::worthCoding(uint32_t bits, uint32_t directions) {
  const size_t bytes = codeBytes(bits, directions);
  const size_t lines = std::max<size_t>(1, (bytes + kPlaneAlign / 2) / kPlaneAlign);
  const auto fitting = uint32_t((lines * kPlaneAlign - sizeof(RabitqTerms)) * 8 / bits);
  return std::min(directions, fitting);
}

RabitqSpace::Residual RabitqSpace::residualOf(const float* vector) const {
  thread_local std::vector<float> residual;
  float left = 0;
  if (projection_ == nullptr) {
    residual.assign(vector, vector + dim_);
  } else {
    residual.resize(projection_->reducedDim());
    left = projection_->apply(vector, residual.data());
    for (size_t i = dim_; i < residual.size(); i++) left += residual[i] * residual[i];
    residual.resize(dim_);
  }
  // In double precision, because the square of a long row would overflow a float.
  double squares = 0;
  double along = 0;
  for (uint32_t i = 0; i < dim_; i++) {
    const float centre = model_->centre[i];
    residual[i] -= centre;
    squares += double(residual[i]) * residual[i];
    along += double(residual[i]) * centre;
  }
  model_->rotation.apply(residual.data());
  return {residual.data(), float(std::sqrt(squares)), float(along), left};
}

RabitqSpace::Residual RabitqSpace::residualOfCodes(const float* vector) const {
  if (!turned_) return residualOf(vector);
  thread_local std::vector<float> residual;
  residual.resize(dim_);
  const float left = turned_->apply(vector, residual.data());
  const float* const centre = model_->rotatedCentre.data();
  for (uint32_t i = 0; i < dim_; i++) residual[i] -= centre[i];
  const DistanceFn negativeDot = kernels().floats.distance[size_t(Metric::Dot)];
  const float* const data = residual.data();
  return {data, std::sqrt(-negativeDot(data, data, dim_)), -negativeDot(data, centre, dim_), left};
}

void RabitqSpace::encode(uint32_t id, const float* vector) const {
  const Residual residual = residualOf(vector);
  const float length = residual.length;
  uint8_t* const bytes = row(id);
  std::memset(bytes, 0, stride_);
  RabitqTerms& terms = *termsOf(bytes);
  terms.add = metric_ == Metric::L2 ? length * length + residual.left : -residual.along;
  // A row at the centre has no direction; neither has a row whose length overflows a float.
  if (!(length > 0) || !std::isfinite(length)) return;
  const Fit fit = bits_ == 1 ? write1({residual.components, dim_}, bytes)
                             : write4({residual.components, dim_}, length, bytes);
  if (!(fit.dot > 0)) return;
  terms.factor = float(double(length) * length / fit.dot);
  const double cosine = std::min(1.0, fit.cosine() / length);
  terms.error =
      length *
      float(std::sqrt((1 - cosine * cosine) / (cosine * cosine) / double(std::max(1u, dim_ - 1))));
}

void RabitqSpace::prepare(const float* vector, RabitqQuery& query) const {
  const Residual residual = residualOfCodes(vector);
  const float length = residual.length;
  const float greatest = greatestOf({residual.components, dim_});
  const bool hasDirection = greatest > 0 && std::isfinite(kQuerySteps / greatest);
  const float inverse = hasDirection ? kQuerySteps / greatest : 0;

  const size_t half = planeLength(bits_, dim_);
  query.planeBytes = roundUp(half, kPlaneAlign);
  const size_t planes = bits_ == 1 ? 1 : 2;
  query.memory_.assign(planes * query.planeBytes + kPlaneAlign, 0);
  const auto address = reinterpret_cast<uintptr_t>(query.memory_.data());
  int8_t* const codes = query.memory_.data() + (kPlaneAlign - address % kPlaneAlign) % kPlaneAlign;
  const int32_t sum =
      writePlane({residual.components, half}, inverse, codes) +
      writePlane({residual.components + half, dim_ - half}, inverse, codes + query.planeBytes);
  query.codes = codes;
  const bool isL2 = metric_ == Metric::L2;
  // A row's dot product with the centre is the dot product of its difference plus the centre's
  // square.
  query.add = isL2 ? length * length + residual.left : -(residual.along + model_->centreSquares);
  query.scale = (isL2 ? 2 : 1) * greatest / kQuerySteps;
  query.middle = (bits_ == 1 ? kMiddleOf1 : kMiddleOf4) * float(sum);
  query.spread = (isL2 ? 2 : 1) * length;
}

} // namespace vicinal
