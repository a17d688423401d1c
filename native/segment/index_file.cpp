#include "segment/index_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>

#include "base/crc32c.hpp"

namespace vicinal {

namespace {

constexpr size_t kFlags = IndexedValues::kFlags;
// The last two flags, as in IndexedValues::flags.
constexpr size_t kTrues = kFlags - 2, kFalses = kFlags - 1;
// Arrays that follow the flags.
enum Array : uint8_t {
  TextAt = kFlags,
  Characters,
  RowsAt,
  Rows,
  Integers,
  IntegerRows,
  Numbers,
  NumberRows
};
constexpr size_t kArrays = NumberRows + 1;
constexpr size_t kArrayAlignment = 8;

// The directory: this header, then the identity of the index.
struct IndexHeader {
  uint32_t baseCrc = 0;
  uint32_t rows = 0;
  uint64_t sectionAt = 0;
  uint64_t sectionBytes = 0;
  uint32_t flagCounts[kFlags] = {};
  uint32_t reserved = 0;
  // Offset of each array in the section, and its number of values.
  struct {
    uint64_t at = 0;
    uint64_t count = 0;
  } arrays[kArrays];
};

// Indexes with equal identities give equal answers.
std::string identityOf(const IndexField& field) {
  const TextOptions& text = field.text;
  std::string identity;
  const auto add = [&](const auto& value) {
    identity.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto addText = [&](const std::string& value) {
    add(static_cast<uint32_t>(value.size()));
    identity += value;
  };
  add(static_cast<uint8_t>(field.kind));
  addText(field.field);
  add(static_cast<uint8_t>(text.tokenizer));
  add(static_cast<uint8_t>((text.isLowerCased ? 1 : 0) | (text.isFolded ? 2 : 0)));
  add(static_cast<uint8_t>(text.stemmer));
  add(text.minLength);
  add(text.maxLength);
  for (const std::string& word : text.stopwords) addText(word);
  return identity;
}

class ArraysWriter {
public:
  ArraysWriter(BlockFileWriter& file, IndexHeader& header) : file_(file), header_(header) {}

  // The bytes that `produce` appends become the array.
  template <typename T, typename Produce> Status add(size_t array, const Produce& produce) {
    constexpr char zeros[kArrayAlignment] = {};
    const uint64_t from = file_.position();
    VICINAL_TRY(produce());
    const uint64_t bytes = file_.position() - from;
    header_.arrays[array] = {from - header_.sectionAt, bytes / sizeof(T)};
    return file_.append(zeros, (kArrayAlignment - bytes % kArrayAlignment) % kArrayAlignment);
  }
  template <typename T> Status add(size_t array, const std::vector<T>& values) {
    return add<T>(array, [&] { return file_.append(values.data(), values.size() * sizeof(T)); });
  }

private:
  BlockFileWriter& file_;
  IndexHeader& header_;
};

Status writeTexts(const TextPostings& texts, BlockFileWriter& file, ArraysWriter& arrays) {
  std::vector<std::pair<std::string_view, RowList>> sorted;
  texts.forEach(
      [&](std::string_view text, const RowList& rows) { sorted.emplace_back(text, rows); });
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<uint64_t> textAt{0}, rowsAt{0};
  for (const auto& [text, rows] : sorted) {
    textAt.push_back(textAt.back() + text.size());
    rowsAt.push_back(rowsAt.back() + rows.count());
  }
  VICINAL_TRY(arrays.add(TextAt, textAt));
  VICINAL_TRY(arrays.add(RowsAt, rowsAt));
  VICINAL_TRY(arrays.add<char>(Characters, [&]() -> Status {
    for (const auto& [text, rows] : sorted) VICINAL_TRY(file.append(text.data(), text.size()));
    return Status::ok();
  }));
  return arrays.add<uint32_t>(Rows, [&]() -> Status {
    for (const auto& [text, rows] : sorted)
      for (const RowList::Part& part : {rows.filed(), rows.added()})
        VICINAL_TRY(file.append(part.data(), part.size_bytes()));
    return Status::ok();
  });
}

template <typename T>
Status writeNumbers(const ValueRuns<T>& runs, Array valuesArray, Array rowsArray,
                    ArraysWriter& arrays) {
  typename ValueRuns<T>::Entries entries;
  entries.reserve(runs.size());
  runs.forEach([&](T value, uint32_t row) { entries.emplace_back(value, row); });
  std::sort(entries.begin(), entries.end());
  std::vector<T> values;
  std::vector<uint32_t> rows;
  values.reserve(entries.size());
  rows.reserve(entries.size());
  for (const auto& [value, row] : entries) {
    values.push_back(value);
    rows.push_back(row);
  }
  VICINAL_TRY(arrays.add(valuesArray, values));
  return arrays.add(rowsArray, rows);
}

Status writeValues(const IndexedValues& values, BlockFileWriter& file, IndexHeader& header) {
  ArraysWriter arrays(file, header);
  for (size_t at = 0; at < kFlags; at++) {
    std::vector<uint64_t> words;
    header.flagCounts[at] = values.flags()[at]->count();
    values.flags()[at]->forEach([&](uint32_t row) {
      words.resize(std::max<size_t>(words.size(), row / 64 + 1));
      words[row / 64] |= uint64_t(1) << (row % 64);
    });
    VICINAL_TRY(arrays.add(at, words));
  }
  VICINAL_TRY(writeTexts(values.texts, file, arrays));
  VICINAL_TRY(writeNumbers(values.integers, Integers, IntegerRows, arrays));
  return writeNumbers(values.numbers, Numbers, NumberRows, arrays);
}

// Checks a file whose checksums are right, so that an index never reads outside it.
class IndexReader {
public:
  IndexReader(FiledIndex& index, const IndexHeader& header, PayloadIndexKind kind)
      : index_(index), header_(header), kind_(kind) {}

  bool read() {
    const uint64_t words = (uint64_t(header_.rows) + 63) / 64;
    for (size_t at = 0; at < kFlags; at++) {
      auto& [bits, count] = index_.flags[at];
      count = header_.flagCounts[at];
      if (!take(at, bits) || bits.size() > words || !areSound(bits, count)) return false;
    }
    FiledTexts& texts = index_.texts;
    return take(TextAt, texts.textAt) && take(Characters, texts.characters) &&
           take(RowsAt, texts.rowsAt) && take(Rows, texts.rows) &&
           take(Integers, index_.integers) && take(IntegerRows, index_.integerRows) &&
           take(Numbers, index_.numbers) && take(NumberRows, index_.numberRows) &&
           areSound(texts) && areSound(index_.integers, index_.integerRows) &&
           areSound(index_.numbers, index_.numberRows) && areOfKind();
  }

private:
  template <typename T> bool take(size_t array, std::span<const T>& values) {
    const auto& [at, count] = header_.arrays[array];
    if (at % kArrayAlignment != 0 || at > header_.sectionBytes ||
        count > (header_.sectionBytes - at) / sizeof(T))
      return false;
    values = {reinterpret_cast<const T*>(index_.region.data() + at), size_t(count)};
    return true;
  }
  bool areRows(std::span<const uint32_t> rows) const {
    return std::all_of(rows.begin(), rows.end(), [&](uint32_t row) { return row < header_.rows; });
  }
  bool areSound(std::span<const uint64_t> words, uint32_t count) const {
    uint64_t set = 0;
    for (const uint64_t word : words) set += static_cast<uint64_t>(std::popcount(word));
    const uint32_t rest = header_.rows % 64;
    const bool isWhole = words.size() < (uint64_t(header_.rows) + 63) / 64 || rest == 0;
    return set == count && (isWhole || words.back() >> rest == 0);
  }
  // A value is there once more for each of its rows, and for each time a row has it.
  template <typename T>
  bool areSound(std::span<const T> values, std::span<const uint32_t> rows) const {
    if (values.size() != rows.size() || !areRows(rows)) return false;
    for (size_t at = 0; at < values.size(); at++) {
      if constexpr (std::is_floating_point_v<T>)
        if (std::isnan(values[at])) return false;
      if (at > 0 && (values[at] < values[at - 1] ||
                     (values[at] == values[at - 1] && rows[at] < rows[at - 1])))
        return false;
    }
    return true;
  }
  static bool areOffsets(std::span<const uint64_t> offsets, size_t end) {
    return !offsets.empty() && offsets.front() == 0 && offsets.back() == end &&
           std::is_sorted(offsets.begin(), offsets.end());
  }
  bool areSound(const FiledTexts& texts) const {
    if (texts.textAt.size() != texts.rowsAt.size() ||
        !areOffsets(texts.textAt, texts.characters.size()) ||
        !areOffsets(texts.rowsAt, texts.rows.size()) || !areRows(texts.rows))
      return false;
    for (size_t at = 0; at < texts.size(); at++) {
      const RowList::Part rows = texts.rowsOf(at);
      // None twice: a graph of the rows of a text would have one twice too.
      if (std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) != rows.end() ||
          (at > 0 && texts.text(at - 1) >= texts.text(at)))
        return false;
    }
    return true;
  }
  // Values of other types than the index's, which answers would have no place for.
  bool areOfKind() const {
    const bool hasTexts = index_.texts.size() > 0, hasIntegers = !index_.integers.empty();
    const bool hasNumbers = !index_.numbers.empty();
    const bool hasBools = index_.flags[kTrues].count > 0 || index_.flags[kFalses].count > 0;
    switch (kind_) {
    case PayloadIndexKind::Keyword:
    case PayloadIndexKind::Uuid:
    case PayloadIndexKind::Text: return !hasIntegers && !hasNumbers && !hasBools;
    case PayloadIndexKind::Integer:
    case PayloadIndexKind::DateTime:
    case PayloadIndexKind::Geo: return !hasTexts && !hasNumbers && !hasBools;
    case PayloadIndexKind::Float: return !hasTexts && !hasIntegers && !hasBools;
    case PayloadIndexKind::Bool: return !hasTexts && !hasIntegers && !hasNumbers;
    }
    return false;
  }

  FiledIndex& index_;
  const IndexHeader& header_;
  const PayloadIndexKind kind_;
};

// Payloads as they are in the segment file, which an index file describes. A payload that has
// changed since is there only.
class FiledTextsOfRows {
public:
  static Result<FiledTextsOfRows> open(const FiledSegment& filed) {
    auto file = File::openRead(filed.path);
    if (!file) return file.status();
    return FiledTextsOfRows(file.take(), filed.directory.find(SectionKind::PayloadOffsets)->offset,
                            filed.directory.find(SectionKind::PayloadBytes)->offset);
  }
  std::string_view at(uint32_t row) {
    uint64_t span[2] = {};
    take(offsetsAt_ + uint64_t(row) * sizeof(uint64_t), span, sizeof span);
    text_.assign(status_ ? span[1] - span[0] : 0, '\0');
    if (!text_.empty()) take(bytesAt_ + span[0], text_.data(), text_.size());
    return text_;
  }
  const Status& status() const { return status_; }

private:
  FiledTextsOfRows(File file, uint64_t offsetsAt, uint64_t bytesAt)
      : file_(std::move(file)), offsetsAt_(offsetsAt), bytesAt_(bytesAt) {}
  void take(uint64_t from, void* into, size_t bytes) {
    if (status_) status_ = file_.readAt(from, into, bytes);
  }

  File file_;
  uint64_t offsetsAt_;
  uint64_t bytesAt_;
  Status status_ = Status::ok();
  std::string text_;
};

} // namespace

std::string indexPath(const std::string& segmentPath, const IndexField& field) {
  const std::string identity = identityOf(field);
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, "-%08x.vidx", crc32c(identity.data(), identity.size()));
  return segmentPath.substr(0, segmentPath.rfind('.')) + suffix;
}

Status writeIndexFile(const Segment& segment, const IndexField& field, const FileStamp& base,
                      const FiledSegment& filed) {
  auto index = createIndex(field);
  if (!index) return index.status();
  auto texts = FiledTextsOfRows::open(filed);
  if (!texts) return texts.status();
  const auto textOf = [&](uint32_t row) {
    // The base payloads of rows that died since stay in memory, because readers may still see them.
    return segment.payloads().isOverlaid(row) ? texts->at(row) : segment.payloads().base(row);
  };
  (*index)->build(textOf, 0, filed.directory.rows);
  VICINAL_TRY(texts->status());
  const std::string path = indexPath(base.path, field);
  ::unlink(path.c_str());
  auto file = BlockFileWriter::create(path, FileKind::PayloadIndex);
  if (!file) return file.status();
  IndexHeader header;
  header.baseCrc = base.crc;
  header.rows = filed.directory.rows;
  auto at = file->startSection();
  if (!at) return at.status();
  header.sectionAt = *at;
  Status status = Status::ok();
  (*index)->readValues(
      [&](const IndexedValues& values) { status = writeValues(values, *file, header); });
  VICINAL_TRY(status);
  header.sectionBytes = file->position() - header.sectionAt;
  auto stamp = file->finish(std::string(reinterpret_cast<const char*>(&header), sizeof header) +
                            identityOf(field));
  return stamp ? Status::ok() : stamp.status();
}

Result<std::shared_ptr<FiledIndex>> openIndexFile(const IndexField& field, const FileStamp& base,
                                                  uint32_t rows) {
  const std::string path = indexPath(base.path, field);
  auto file = BlockFile::open(path, FileKind::PayloadIndex);
  if (!file) return file.status();
  IndexHeader header;
  const std::string& directory = file->directory();
  if (directory.size() < sizeof header || directory.substr(sizeof header) != identityOf(field))
    return file->corrupt("it belongs to another index");
  std::memcpy(&header, directory.data(), sizeof header);
  if (header.baseCrc != base.crc || header.rows != rows)
    return file->corrupt("it belongs to another segment file");
  if (!file->holds(header.sectionAt, header.sectionBytes) || header.sectionBytes == 0)
    return file->corrupt("its sections and its directory do not agree");
  auto index = std::make_shared<FiledIndex>();
  index->path = path;
  index->rows = rows;
  auto region = Region::reserve(header.sectionBytes);
  if (!region) return region.status();
  index->region = region.take();
  index->region.place(Placement::Cold);
  VICINAL_TRY(
      index->region.mapFile(file->file().descriptor(), header.sectionAt, header.sectionBytes));
  if (!IndexReader(*index, header, field.kind).read())
    return file->corrupt("its values are not a valid index");
  index->region.shed();
  return index;
}

std::shared_ptr<PayloadIndex> fileIndex(const Segment& segment, const IndexField& field,
                                        const FileStamp& base, const FiledSegment& filed,
                                        bool mayWrite) {
  auto opened = openIndexFile(field, base, filed.directory.rows);
  if (!opened && mayWrite && writeIndexFile(segment, field, base, filed).isOk())
    opened = openIndexFile(field, base, filed.directory.rows);
  auto index = createIndex(field);
  if (!opened || !index) return nullptr;
  (*index)->adopt(opened.take());
  return index.take();
}

} // namespace vicinal
