#include "segment/vector_space.hpp"

#include <algorithm>
#include <utility>

namespace vicinal {

namespace {

// New directions must keep at least this much more of the squared length to replace the present
// ones.
constexpr double kWorthRecoding = 0.02;
constexpr uint32_t kGrowthBetweenLooks = 4;
// A smaller space is scanned faster than walked through.
constexpr uint32_t kLeastCalibrated = 1024;
constexpr uint32_t kGrowthBetweenCalibrations = 2;
// Vectors that a scan reads before it drops the file's pages behind it.
constexpr uint32_t kSlice = 256;

uint32_t grown(uint32_t vertices, uint32_t times) {
  return uint32_t(std::min<uint64_t>(uint64_t(vertices) * times, UINT32_MAX));
}

uint32_t nextLook(uint32_t vertices) { return grown(vertices, kGrowthBetweenLooks); }

} // namespace

Status VectorSpace::reserve(const VectorSpec& spec, uint64_t rows, uint64_t vertices) {
  spec_ = spec;
  vertexCapacity_ = vertices;
  identity_.store(!spec.isMulti, std::memory_order_release);
  // Each read vector lies in another page. With codes only few vectors are read, too few to copy
  // all of them from the file (docs/design/memory.md).
  const auto pages =
      Sq8Space::supports(spec.metric, spec.dim) ? Region::Pages::HugeAsGrown : Region::Pages::Huge;
  auto vectors = RegionArray<uint8_t>::reserve(vertices * spec.vectorBytes(), pages);
  if (!vectors) return vectors.status();
  auto vertexOfRow = RegionArray<uint32_t>::reserve(rows);
  if (!vertexOfRow) return vertexOfRow.status();
  auto rowOfVertex = RegionArray<uint32_t>::reserve(vertices);
  if (!rowOfVertex) return rowOfVertex.status();
  vectors_ = vectors.take();
  vertexOfRow_ = vertexOfRow.take();
  rowOfVertex_ = rowOfVertex.take();
  space_ = Space(spec.metric, spec.dim, vectors_.data(), spec.datatype);
  return reserveIndex(vertices);
}

Status VectorSpace::reserveAmong(std::shared_ptr<const VectorSpace> other, uint32_t m,
                                 uint64_t vertices) {
  spec_ = other->spec();
  spec_.m = m;
  // This space may be dropped at any time, so it locks no memory.
  spec_.graphMemory = spec_.codeMemory = Placement::Cached;
  vertexCapacity_ = vertices;
  identity_.store(false, std::memory_order_release);
  auto rowOfVertex = RegionArray<uint32_t>::reserve(vertices);
  if (!rowOfVertex) return rowOfVertex.status();
  auto places = RegionArray<uint32_t>::reserve(vertices);
  if (!places) return places.status();
  rowOfVertex_ = rowOfVertex.take();
  places_ = places.take();
  space_ = other->space();
  space_.places = places_.data();
  other_ = std::move(other);
  return reserveIndex(vertices);
}

Status VectorSpace::reserveIndex(uint64_t vertices) {
  auto codes =
      CodeArray::create(spec_.metric, spec_.dim, vertices, {firstKind(), nullptr, nullptr});
  if (!codes) return codes.status();
  codes_ = codes.take();
  // The default calibration is static, so it needs no owner.
  calibration_ = untried();
  calibrateFrom_ = kLeastCalibrated;
  lookFrom_ = canRecode() ? Projection::kLeastSample : UINT32_MAX;
  auto graph =
      HnswGraph::create(space_, codesToBuildOn(), graphConfig(), static_cast<uint32_t>(vertices));
  if (!graph) return graph.status();
  graph_ = graph.take();
  place();
  return Status::ok();
}

Status VectorSpace::grow(uint64_t rows, uint64_t vertices) {
  VICINAL_TRY(vectors_.grow(vertices * space_.rowBytes));
  VICINAL_TRY(vertexOfRow_.grow(rows));
  VICINAL_TRY(rowOfVertex_.grow(vertices));
  // Rows that were appended but not published are discarded.
  staged_ = this->vertices();
  return Status::ok();
}

void VectorSpace::append(uint32_t row, const RowVectors& vectors) {
  if (isIdentity() && row != staged_) makeMaps();
  const uint32_t first = staged_;
  staged_ += vectors.count;
  convert(vectors.data, vectors.datatype, vectors_.data() + uint64_t(first) * space_.rowBytes,
          spec_.datatype, size_t(vectors.count) * spec_.dim);
  if (isIdentity()) return;
  for (uint32_t vertex = first; vertex < staged_; vertex++) rowOfVertex_[vertex] = row;
  vertexOfRow_[row] = first + 1;
}

Status VectorSpace::appendFromOther(uint32_t row) {
  const uint32_t vertex = other_->vertexOf(row);
  if (vertex == kNoVertex) return Status::ok();
  // The arrays may have more room, up to a whole page, but the graph has not.
  if (staged_ >= vertexCapacity_)
    return {Code::TooLarge, "more than " + std::to_string(vertexCapacity_) + " rows of a value"};
  VICINAL_TRY(rowOfVertex_.grow(uint64_t(staged_) + 1));
  VICINAL_TRY(places_.grow(uint64_t(staged_) + 1));
  rowOfVertex_[staged_] = row;
  places_[staged_] = vertex;
  staged_++;
  return Status::ok();
}

uint32_t VectorSpace::vertexAmong(uint32_t row, uint32_t published) const {
  const uint32_t* const rows = rowOfVertex_.data();
  const uint32_t* const found = std::lower_bound(rows, rows + published, row);
  return found == rows + published || *found != row ? kNoVertex : uint32_t(found - rows);
}

Status VectorSpace::load(uint32_t vertex, float* into, bool mayWait) const {
  const auto cold = coldVectors();
  if (!cold || vertex >= cold->vertices()) {
    space_.load(vertex, into);
    return Status::ok();
  }
  thread_local std::vector<uint8_t> read;
  read.resize(space_.rowBytes);
  VICINAL_TRY(cold->read(vertex, read.data(), mayWait));
  space_.widenFn(read.data(), spec_.dim, into);
  return Status::ok();
}

void VectorSpace::makeMaps() {
  for (uint32_t vertex = 0; vertex < staged_; vertex++) {
    rowOfVertex_[vertex] = vertex;
    vertexOfRow_[vertex] = vertex + 1;
  }
  identity_.store(false, std::memory_order_release);
}

Result<VertexSlice> VectorSpace::claim(uint32_t most) {
  std::lock_guard lock(claims_);
  if (isRecoding_) return VertexSlice{};
  for (Claim& claim : open_)
    if (std::exchange(claim.isLeft, false)) return claim.slice;
  const uint32_t to = std::min(vertices(), claimed_ + std::min(most, UINT32_MAX - claimed_));
  const VertexSlice slice{claimed_, to, claimed_};
  if (slice.empty()) return slice;
  if (codes_) VICINAL_TRY(codes_->grow(to));
  VICINAL_TRY(graph_->prepare(to));
  open_.push_back({slice});
  claimed_ = to;
  return slice;
}

Status VectorSpace::link(VertexSlice& slice) {
  return attempt([&] {
    RowFloats room;
    for (; slice.at < slice.to; slice.at++) {
      if (codes_) codes_->space().encode(slice.at, floats(slice.at, room));
      graph_->insert(slice.at);
    }
    return Status::ok();
  });
}

void VectorSpace::finish(const VertexSlice& slice) {
  std::lock_guard lock(claims_);
  const auto claim = std::find_if(open_.begin(), open_.end(),
                                  [&](const Claim& each) { return each.slice.from == slice.from; });
  if (slice.at < slice.to)
    *claim = {slice, true};
  else
    open_.erase(claim);
  uint32_t done = claimed_;
  for (const Claim& each : open_) done = std::min(done, each.slice.from);
  linked_.store(done, std::memory_order_release);
}

Status VectorSpace::linkLeft() {
  while (true) {
    VertexSlice slice;
    {
      std::lock_guard lock(claims_);
      const auto left =
          std::find_if(open_.begin(), open_.end(), [](const Claim& claim) { return claim.isLeft; });
      if (left == open_.end()) return Status::ok();
      left->isLeft = false;
      slice = left->slice;
    }
    const Status linked = link(slice);
    finish(slice);
    VICINAL_TRY(linked);
  }
}

bool VectorSpace::claimRecoding() {
  std::lock_guard lock(claims_);
  if (isRecoding_ || !open_.empty() || vertices() < lookFrom_) return false;
  isRecoding_ = true;
  return true;
}

std::shared_ptr<const Calibration> VectorSpace::untried() const {
  return {std::shared_ptr<const Calibration>(), &Calibration::untried(spec_.metric)};
}

Status VectorSpace::recodeClaimed(uint32_t count) {
  auto scheme = betterScheme(count);
  if (!scheme) return Status::ok();
  auto codes = CodeArray::create(spec_.metric, spec_.dim, vertexCapacity(), std::move(*scheme));
  if (!codes) return codes.status();
  if (*codes) {
    (*codes)->place(spec_.codeMemory);
    VICINAL_TRY((*codes)->grow(claimed_));
  }
  if (codes_) VICINAL_TRY(codes_->letRead());
  RowFloats room;
  for (uint32_t vertex = 0; vertex < claimed_ && *codes; vertex++) {
    (*codes)->space().encode(vertex, floats(vertex, room));
    if (vertex % kSlice == kSlice - 1) shedScanned(vertex + 1 - kSlice, kSlice);
  }
  std::lock_guard lock(shared_);
  codes_ = codes.take();
  left_ = !codes_ && cold_ ? cold_->vertices() : 0;
  comparedAt_ = 0;
  // The calibration belongs to the old codes, in memory and in files.
  calibration_ = untried();
  graph_->useCodes(codesToBuildOn());
  return Status::ok();
}

Status VectorSpace::recode() {
  const uint32_t count = vertices();
  const Status status = attempt([&] { return recodeClaimed(count); });
  std::lock_guard lock(claims_);
  const uint32_t next = std::max(nextLook(count), Projection::kLeastSample);
  lookFrom_ = canRecode() ? next : UINT32_MAX;
  isRecoding_ = false;
  calibrateFrom_ = kLeastCalibrated;
  return status;
}

bool VectorSpace::claimCalibration() {
  std::lock_guard lock(claims_);
  if (isCalibrating_ || isRecoding_ || !hasCaughtUp() || claimed_ < calibrateFrom_) return false;
  isCalibrating_ = true;
  calibrateFrom_ = grown(claimed_, kGrowthBetweenCalibrations);
  return true;
}

bool VectorSpace::isCalibrationDue() const {
  std::lock_guard lock(claims_);
  const bool isRecodingDue = isRecoding_ || vertices() >= lookFrom_;
  return isCalibrating_ || isRecodingDue || (hasCaughtUp() && claimed_ >= calibrateFrom_);
}

void VectorSpace::restore(std::shared_ptr<const Calibration> calibration) {
  calibrateFrom_ = grown(calibration->vertices(), kGrowthBetweenCalibrations);
  comparedAt_ = calibration->vertices();
  calibration_ = std::move(calibration);
}

void VectorSpace::useCalibration(std::shared_ptr<const Calibration> calibration,
                                 const std::shared_ptr<const CodeArray>& of) {
  std::lock_guard lock(shared_);
  if (codes_ == of) calibration_ = std::move(calibration);
}

void VectorSpace::recalibrate() {
  std::lock_guard lock(claims_);
  calibrateFrom_ = kLeastCalibrated;
}

bool VectorSpace::awaitsCalibration() const {
  std::lock_guard lock(claims_);
  return isCalibrating_ || claimed_ >= calibrateFrom_;
}

void VectorSpace::calibrated(std::shared_ptr<const Calibration> calibration,
                             const std::shared_ptr<const CodeArray>& of) {
  std::lock_guard lock(claims_);
  isCalibrating_ = false;
  if (calibration) useCalibration(std::move(calibration), of);
}

Result<std::shared_ptr<CodeArray>> VectorSpace::codesOf(CodeKind kind, uint32_t count) const {
  uint32_t sampled = 0;
  const std::vector<float> sample = sampleOf(count, sampled);
  const auto current = codes();
  const bool isPlain = kind == CodeKind::Sq8;
  CodeScheme scheme{kind, current && !isPlain ? current->scheme().projection : nullptr, nullptr};
  // All vectors are coded again, so the directions are learnt from all of them. The present ones
  // were learnt from the first vectors, which later ones need not resemble.
  if (scheme.projection && sampled >= Projection::kLeastSample) {
    auto trained = Projection::train(sample.data(), sampled, spec_.dim);
    if (trained) scheme.projection = std::move(trained);
  }
  if (!isPlain)
    scheme.rabitq = RabitqModel::train(sample.data(), sampled, spec_.dim, scheme.projection.get(),
                                       rabitqBitsOf(kind));
  auto codes = CodeArray::create(spec_.metric, spec_.dim, vertexCapacity(), std::move(scheme));
  if (!codes) return codes.status();
  (*codes)->place(spec_.codeMemory);
  VICINAL_TRY((*codes)->grow(count));
  VICINAL_TRY((*codes)->letRead());
  return codes;
}

bool VectorSpace::claimAdoption() {
  std::lock_guard lock(claims_);
  if (isRecoding_ || !open_.empty()) return false;
  isRecoding_ = true;
  return true;
}

Status VectorSpace::adoptClaimed(std::shared_ptr<CodeArray> codes, uint32_t coded,
                                 std::shared_ptr<const Calibration> calibration) {
  VICINAL_TRY(codes->grow(claimed_));
  if (codes_) VICINAL_TRY(codes_->letRead());
  RowFloats room;
  for (uint32_t vertex = coded; vertex < claimed_; vertex++)
    codes->space().encode(vertex, floats(vertex, room));
  std::lock_guard lock(shared_);
  codes_ = std::move(codes);
  calibration_ = std::move(calibration);
  graph_->useCodes(codesToBuildOn());
  return Status::ok();
}

Status VectorSpace::adopt(std::shared_ptr<CodeArray> codes, uint32_t coded,
                          std::shared_ptr<const Calibration> calibration) {
  const bool isStillAsked = leavesChoice();
  Status status;
  if (isStillAsked)
    status = attempt([&] { return adoptClaimed(std::move(codes), coded, std::move(calibration)); });
  std::lock_guard lock(claims_);
  isRecoding_ = false;
  isCalibrating_ = false;
  if (isStillAsked) lookFrom_ = nextLook(claimed_);
  return status;
}

// Nothing if the present scheme is good enough.
std::optional<CodeScheme> VectorSpace::betterScheme(uint32_t count) const {
  const auto codesNow = codes();
  const CodeScheme current = codesNow ? codesNow->scheme() : CodeScheme();
  const CodeKind kind = spec_.code == CodeKind::Auto && codesNow ? current.kind : firstKind();
  if (kind == CodeKind::None) return codesNow ? std::optional(CodeScheme()) : std::nullopt;
  uint32_t sampled = 0;
  const std::vector<float> sample = sampleOf(count, sampled);
  // A configured RaBitQ means this many bits for every dimension, so it gets no projection.
  const bool mayProject = kind == CodeKind::Sq8 || current.projection;
  auto trained = sampled < Projection::kLeastSample || !mayProject
                     ? nullptr
                     : Projection::train(sample.data(), sampled, spec_.dim);
  if (kind != CodeKind::Sq8) {
    auto model =
        RabitqModel::train(sample.data(), sampled, spec_.dim, trained.get(), rabitqBitsOf(kind));
    return CodeScheme{kind, std::move(trained), std::move(model)};
  }
  if (current.kind != CodeKind::Sq8) return CodeScheme{kind, std::move(trained), nullptr};
  if (!trained) return std::nullopt;
  const auto& projection = current.projection;
  const bool isWorthIt =
      !projection || trained->energyOf(sample.data(), sampled) >
                         projection->energyOf(sample.data(), sampled) + kWorthRecoding;
  if (!isWorthIt) return std::nullopt;
  return CodeScheme{CodeKind::Sq8, std::move(trained), nullptr};
}

// A sample of the first `count` vectors, large enough to learn directions and centres.
std::vector<float> VectorSpace::sampleOf(uint32_t count, uint32_t& sampled) const {
  constexpr size_t kMostFloats = size_t(Projection::kMostDims) * Projection::kLeastSample;
  sampled = std::min(count,
                     uint32_t(std::min<size_t>(Projection::kLeastSample, kMostFloats / spec_.dim)));
  std::vector<float> sample(size_t(sampled) * spec_.dim);
  for (uint32_t at = 0; at < sampled; at++)
    space_.load(uint32_t(uint64_t(at) * count / sampled), &sample[size_t(at) * spec_.dim]);
  return sample;
}

// RaBitQ centres are learnt from a sample, like directions.
bool VectorSpace::canRecode() const {
  if (!codes_) return false;
  return !codes_->space().isSq8() || Projection::canReduce(spec_.dim);
}

const CodeSpace& VectorSpace::codesToBuildOn() const {
  static const CodeSpace none;
  return codes_ ? codes_->space() : none;
}

// Checksums prove only that a file is as written; a snapshot may come from an untrusted source.
bool VectorSpace::mapsAreSound(uint32_t rows, uint32_t vertices) const {
  for (uint32_t row = 0; row < rows; row++)
    if (vertexOfRow_[row] > vertices) return false;
  for (uint32_t vertex = 0; vertex < vertices; vertex++)
    if (rowOfVertex_[vertex] >= rows) return false;
  return true;
}

Status VectorSpace::map(int descriptor, const Mapped& mapped) {
  VICINAL_TRY(
      vectors_.mapFile(descriptor, mapped.vectorsAt, uint64_t(mapped.vertices) * space_.rowBytes));
  if (!mapped.identity) {
    VICINAL_TRY(rowOfVertex_.mapFile(descriptor, mapped.rowOfVertexAt, mapped.vertices));
    VICINAL_TRY(vertexOfRow_.mapFile(descriptor, mapped.vertexOfRowAt, mapped.rows));
    if (!mapsAreSound(mapped.rows, mapped.vertices))
      return Status(Code::Corrupt, "its maps name rows or vertices that do not exist");
  } else {
    // Later rows may lack the vector, so maps may be needed later.
    VICINAL_TRY(rowOfVertex_.grow(mapped.vertices));
    VICINAL_TRY(vertexOfRow_.grow(mapped.rows));
  }
  if (mapped.scheme.kind != CodeKind::None) {
    auto codes = CodeArray::create(spec_.metric, spec_.dim, vertexCapacity(), mapped.scheme);
    if (!codes) return codes.status();
    codes_ = codes.take();
    place();
    VICINAL_TRY(codes_->mapFile(descriptor, mapped.codesAt, mapped.graph.meta.vertices));
    // A calibration over all dimensions means that better codes were looked for before.
    const bool wasMeasured =
        mapped.calibration && mapped.calibration->vertices() >= Projection::kLeastSample;
    const bool hasLooked = mapped.scheme.projection || !codes_->space().isSq8() || wasMeasured;
    if (canRecode() && hasLooked) lookFrom_ = nextLook(mapped.vertices);
  } else {
    codes_.reset();
  }
  const bool isOurChoice = spec_.code == CodeKind::Auto && mapped.scheme.kind != CodeKind::None;
  const bool isAsAsked = isOurChoice || mapped.scheme.kind == firstKind();
  if (!isAsAsked) lookFrom_ = 0;
  auto graph = HnswGraph::open(space_, codesToBuildOn(), graphConfig(),
                               static_cast<uint32_t>(vertexCapacity()), mapped.graph);
  if (!graph) return graph.status();
  graph_ = graph.take();
  if (mapped.calibration) restore(mapped.calibration);
  identity_.store(mapped.identity, std::memory_order_release);
  staged_ = mapped.vertices;
  vertices_.store(mapped.vertices, std::memory_order_release);
  claimed_ = mapped.graph.meta.vertices;
  linked_.store(claimed_, std::memory_order_release);
  return Status::ok();
}

} // namespace vicinal
