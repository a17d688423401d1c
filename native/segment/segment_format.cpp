#include "segment/segment_format.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace vicinal {

namespace {

constexpr uint32_t kMostNameBytes = 4096;
constexpr uint32_t kMostSections = 4096;
// Vector numbers are bytes, and loops over them need a value beyond the last.
constexpr uint32_t kMostVectors = 255;
constexpr uint32_t kMostMeasured = 64;

class Encoder {
public:
  template <typename T> Encoder& add(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Encoder& add(const std::string& text) {
    add(static_cast<uint32_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  Encoder& add(const std::vector<Section>& sections) {
    add(static_cast<uint32_t>(sections.size()));
    for (const Section& section : sections)
      add(static_cast<uint8_t>(section.kind))
          .add(section.vector)
          .add(section.offset)
          .add(section.bytes);
    return *this;
  }
  Encoder& add(const Calibration* calibration) {
    add(calibration ? calibration->vertices() : 0u);
    if (!calibration) return *this;
    add(calibration->samples().stored).add(calibration->samples().live);
    add(uint32_t(calibration->reaches().size())).add(uint32_t(calibration->depths().size()));
    const auto addAll = [&](const std::vector<Calibration::Reach>& reaches) {
      for (const auto& each : reaches)
        add(each.reach).add(each.recall).add(each.distances).add(each.typical).add(each.most);
    };
    addAll(calibration->reaches());
    for (const Calibration::Depth& each : calibration->depths())
      add(each.doubt).add(each.rescored).add(each.recall);
    const Calibration::Accepted& accepted = calibration->accepted();
    add(accepted.pace).add(accepted.gathered).add(uint32_t(accepted.reaches.size()));
    addAll(accepted.reaches);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

class Decoder {
public:
  explicit Decoder(const BlockFile& file) : file_(file), bytes_(file.directory()) {}

  template <typename T> T read() {
    T value{};
    if (!has(sizeof value)) return value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text() {
    const uint32_t bytes = read<uint32_t>();
    if (bytes > kMostNameBytes || !has(bytes)) {
      isSound_ = false;
      return {};
    }
    at_ += bytes;
    return bytes_.substr(at_ - bytes, bytes);
  }
  std::vector<Section> sections() {
    std::vector<Section> sections(count(kMostSections));
    for (Section& section : sections) {
      const uint8_t kind = read<uint8_t>();
      section.kind = static_cast<SectionKind>(kind);
      section.vector = read<uint8_t>();
      section.offset = read<uint64_t>();
      section.bytes = read<uint64_t>();
      if (kind >= kSectionKinds || !file_.holds(section.offset, section.bytes)) isSound_ = false;
    }
    return sections;
  }
  std::shared_ptr<const Calibration> calibration() {
    const uint32_t vertices = read<uint32_t>();
    if (vertices == 0) return nullptr;
    const Calibration::Samples samples{read<uint32_t>(), read<uint32_t>()};
    std::vector<Calibration::Reach> reaches(count(kMostMeasured));
    std::vector<Calibration::Depth> depths(count(kMostMeasured));
    const auto readAll = [&](std::vector<Calibration::Reach>& into) {
      for (auto& each : into)
        each = {read<float>(), read<float>(), read<float>(), read<float>(), read<float>()};
    };
    readAll(reaches);
    for (Calibration::Depth& each : depths) each = {read<float>(), read<float>(), read<float>()};
    Calibration::Accepted accepted;
    accepted.pace = read<float>();
    accepted.gathered = read<float>();
    accepted.reaches.resize(count(kMostMeasured));
    readAll(accepted.reaches);
    auto measured = std::make_shared<const Calibration>(vertices, samples, std::move(reaches),
                                                        std::move(depths), std::move(accepted));
    isSound_ = isSound_ && measured->isSound();
    return measured;
  }
  CodeKind codeKind() {
    const uint8_t kind = read<uint8_t>();
    if (kind >= uint8_t(CodeKind::None) && kind <= uint8_t(CodeKind::Rabitq1))
      return static_cast<CodeKind>(kind);
    isSound_ = false;
    return CodeKind::None;
  }
  uint32_t count(uint32_t most) {
    const uint32_t count = read<uint32_t>();
    if (count <= most) return count;
    isSound_ = false;
    return 0;
  }
  bool isSound() const { return isSound_ && at_ == bytes_.size(); }

private:
  bool has(size_t bytes) {
    isSound_ = isSound_ && bytes <= bytes_.size() - at_;
    return isSound_;
  }

  const BlockFile& file_;
  const std::string& bytes_;
  size_t at_ = 0;
  bool isSound_ = true;
};

} // namespace

const char* sectionName(SectionKind kind) {
  static constexpr const char* kNames[kSectionKinds] = {
      "idLows",      "idHighs",        "idKinds",       "idMap",        "seqs",
      "deleted",     "payloadOffsets", "payloadBytes",  "vectors",      "rowOfVertex",
      "vertexOfRow", "graphLevel0",    "graphOffsets",  "graphUpper",   "overlayRows",
      "overlaySeqs", "overlayOffsets", "overlayBytes",  "codes",        "directions",
      "centre",      "sparseOffsets",  "sparseIndices", "sparseValues", "postings"};
  return kNames[size_t(kind)];
}

const Section* SegmentDirectory::find(SectionKind kind, uint8_t vector) const {
  for (const Section& section : sections) {
    if (section.kind == kind && section.vector == vector) return &section;
  }
  return nullptr;
}

namespace {

// Flags of a vector.
constexpr uint8_t kIdentity = 1;
constexpr uint8_t kMulti = 2;
// The bits behind the flags hold the datatype.
constexpr uint8_t kDatatypeShift = 2;

} // namespace
SparseSpace::Filed SegmentDirectory::filedSparse(uint8_t vector) const {
  SparseSpace::Filed filed;
  filed.rows = rows;
  filed.offsetsAt = find(SectionKind::SparseOffsets, vector)->offset;
  filed.indicesAt = find(SectionKind::SparseIndices, vector)->offset;
  filed.valuesAt = find(SectionKind::SparseValues, vector)->offset;
  filed.entries = find(SectionKind::SparseIndices, vector)->bytes / sizeof(uint32_t);
  filed.postingsAt = find(SectionKind::Postings, vector)->offset;
  filed.postingBytes = find(SectionKind::Postings, vector)->bytes;
  return filed;
}

std::string encodeDirectory(const SegmentDirectory& directory) {
  Encoder encoder;
  encoder.add(directory.throughSeq).add(directory.rows).add(directory.idsInMap);
  encoder.add(static_cast<uint32_t>(directory.vectors.size()));
  for (const VectorDirectory& vector : directory.vectors) {
    encoder.add(vector.spec.name)
        .add(vector.spec.dim)
        .add(static_cast<uint8_t>(vector.spec.metric));
    encoder.add(vector.spec.m).add(vector.spec.efConstruct).add(vector.vertices);
    encoder.add(static_cast<uint8_t>((vector.isIdentity ? kIdentity : 0) |
                                     (vector.spec.isMulti ? kMulti : 0) |
                                     static_cast<uint8_t>(vector.spec.datatype) << kDatatypeShift));
    encoder.add(vector.graph.m)
        .add(vector.graph.m0)
        .add(vector.graph.vertices)
        .add(vector.graph.entry)
        .add(vector.graph.entryLevel);
    encoder.add(vector.graph.upperWords).add(vector.graph.seed);
    encoder.add(static_cast<uint8_t>(vector.codes)).add(vector.calibration.get());
  }
  encoder.add(static_cast<uint32_t>(directory.sparse.size()));
  for (const std::string& name : directory.sparse) encoder.add(name);
  return encoder.add(directory.sections).take();
}

std::string encodeDirectory(const OverlayDirectory& directory) {
  Encoder encoder;
  encoder.add(directory.throughSeq)
      .add(directory.baseCrc)
      .add(directory.rows)
      .add(directory.changes)
      .add(static_cast<uint32_t>(directory.measured.size()));
  for (const MeasuredVector& vector : directory.measured)
    encoder.add(vector.name).add(static_cast<uint8_t>(vector.codes)).add(vector.calibration.get());
  return encoder.add(directory.sections).take();
}

namespace {

// Vectors are checked by name, so names must be unique.
bool hasNoNameTwice(const SegmentDirectory& directory) {
  std::set<std::string> dense;
  std::set<std::string> sparse;
  return std::all_of(directory.vectors.begin(), directory.vectors.end(),
                     [&](const auto& vector) { return dense.insert(vector.spec.name).second; }) &&
         std::all_of(directory.sparse.begin(), directory.sparse.end(),
                     [&](const auto& name) { return sparse.insert(name).second; });
}

} // namespace

bool decodeDirectory(const BlockFile& file, SegmentDirectory& directory) {
  Decoder decoder(file);
  directory.throughSeq = decoder.read<uint64_t>();
  directory.rows = decoder.read<uint32_t>();
  directory.idsInMap = decoder.read<uint32_t>();
  directory.vectors.resize(decoder.count(kMostVectors));
  for (VectorDirectory& vector : directory.vectors) {
    vector.spec.name = decoder.text();
    vector.spec.dim = decoder.read<uint32_t>();
    const uint8_t metric = decoder.read<uint8_t>();
    if (metric > static_cast<uint8_t>(Metric::L1)) return false;
    vector.spec.metric = static_cast<Metric>(metric);
    vector.spec.m = decoder.read<uint32_t>();
    vector.spec.efConstruct = decoder.read<uint32_t>();
    vector.vertices = decoder.read<uint32_t>();
    const uint8_t flags = decoder.read<uint8_t>();
    vector.isIdentity = (flags & kIdentity) != 0;
    vector.spec.isMulti = (flags & kMulti) != 0;
    if (flags >> kDatatypeShift > static_cast<uint8_t>(Datatype::Uint8)) return false;
    vector.spec.datatype = static_cast<Datatype>(flags >> kDatatypeShift);
    vector.graph.m = decoder.read<uint32_t>();
    vector.graph.m0 = decoder.read<uint32_t>();
    vector.graph.vertices = decoder.read<uint32_t>();
    vector.graph.entry = decoder.read<uint32_t>();
    vector.graph.entryLevel = decoder.read<uint32_t>();
    vector.graph.upperWords = decoder.read<uint64_t>();
    vector.graph.seed = decoder.read<uint64_t>();
    vector.codes = decoder.codeKind();
    vector.calibration = decoder.calibration();
  }
  directory.sparse.resize(decoder.count(kMostVectors));
  for (std::string& name : directory.sparse) name = decoder.text();
  directory.sections = decoder.sections();
  return decoder.isSound() && hasNoNameTwice(directory);
}

bool decodeDirectory(const BlockFile& file, OverlayDirectory& directory) {
  Decoder decoder(file);
  directory.throughSeq = decoder.read<uint64_t>();
  directory.baseCrc = decoder.read<uint32_t>();
  directory.rows = decoder.read<uint32_t>();
  directory.changes = decoder.read<uint32_t>();
  directory.measured.resize(decoder.count(kMostVectors));
  for (MeasuredVector& vector : directory.measured)
    vector = {decoder.text(), decoder.codeKind(), decoder.calibration()};
  directory.sections = decoder.sections();
  return decoder.isSound();
}

} // namespace vicinal
