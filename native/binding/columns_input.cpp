#include "binding/columns_input.hpp"

#include <algorithm>
#include <cmath>

#include "binding/bounds.hpp"

namespace vicinal::binding {

namespace {

uint64_t sumOf(const uint32_t* counts, size_t length) {
  uint64_t sum = 0;
  for (size_t at = 0; at < length; at++) sum += counts[at];
  return sum;
}

} // namespace

void ColumnsInput::readIds(Reader& reader, napi_value ids, std::vector<napi_value>& pins) {
  ids_ = reader.typed<uint32_t>(ids, "ids");
  if (!reader.failed() && (ids_.length % kIdWords != 0 || ids_.length / kIdWords > kMostBatchRows))
    reader.fail("ids", "five words an id, and at most 2^24 ids");
  bytes_ += ids_.length * sizeof(uint32_t);
  pins.push_back(ids_.value);
}

void ColumnsInput::readPayloads(Reader& reader, napi_value payloads,
                                std::vector<napi_value>& pins) {
  const auto bytes = reader.typed<uint8_t>(reader.property(payloads, "bytes"), "payloads.bytes");
  const auto offsets =
      reader.typed<uint32_t>(reader.property(payloads, "offsets"), "payloads.offsets");
  if (reader.failed()) return;
  if (offsets.length != ids_.length / kIdWords + 1)
    reader.fail("payloads.offsets", "one offset more than ids");
  columns_.payloadBytes = reinterpret_cast<const char*>(bytes.data);
  columns_.payloadOffsets = offsets.data;
  payloadBytes_ = bytes.length;
  bytes_ += bytes.length;
  pins.push_back(bytes.value);
  pins.push_back(offsets.value);
}

void ColumnsInput::readSeq(Reader& reader, napi_value seq) {
  columns_.seq = reader.integer(seq, "seq", 1, kMostSafeInteger);
}

namespace {

// An empty typed array has a null pointer, but null means all rows here.
const uint32_t* rowsOf(const Span<uint32_t>& rows) {
  static constexpr uint32_t kNoRows[1] = {};
  if (!rows.present()) return nullptr;
  return rows.length > 0 ? rows.data : kNoRows;
}

template <typename Column> bool hasAscendingRows(const Column& column, size_t count) {
  for (uint32_t at = 0; column.rows != nullptr && at < column.count; at++)
    if (column.rows[at] >= count || (at > 0 && column.rows[at] <= column.rows[at - 1]))
      return false;
  return true;
}

bool isSparseVector(const SparseVector& vector) {
  for (uint32_t at = 0; at < vector.count; at++)
    if (!std::isfinite(vector.values[at]) ||
        (at > 0 && vector.indices[at] <= vector.indices[at - 1]))
      return false;
  return true;
}

} // namespace

void ColumnsInput::readVectors(Reader& reader, napi_value entry, const ShardSpec& spec,
                               std::vector<napi_value>& pins) {
  UpsertColumns::Vectors column;
  const size_t known = spec.vectorCount();
  column.vector = static_cast<uint32_t>(reader.integer(
      reader.property(entry, "vector"), "vectors[].vector", 0, known == 0 ? 0 : known - 1));
  const auto data = reader.typed<float>(reader.property(entry, "data"), "vectors[].data");
  const auto rows = reader.typedOrNull<uint32_t>(reader.property(entry, "rows"), "vectors[].rows");
  const auto counts =
      reader.typedOrNull<uint32_t>(reader.property(entry, "counts"), "vectors[].counts");
  if (reader.failed()) return;
  bytes_ += data.length * sizeof(float);
  pins.push_back(data.value);
  if (rows.present()) pins.push_back(rows.value);
  if (column.vector >= spec.vectors.size() && column.vector < known) {
    const auto vector = static_cast<uint32_t>(column.vector - spec.vectors.size());
    readSparse(reader, entry, vector, data, rows, pins);
    return;
  }
  const size_t count = rows.present() ? rows.length : ids_.length / kIdWords;
  if (column.vector >= spec.vectors.size() ||
      spec.vectors[column.vector].isMulti != counts.present() ||
      (counts.present() && counts.length != count)) {
    reader.fail("vectors[].counts",
                "a count for each row of a multivector, and none for other vectors");
    return;
  }
  const uint64_t vectors = counts.present() ? sumOf(counts.data, counts.length) : count;
  const size_t dim = spec.vectors[column.vector].dim;
  if (data.length % dim != 0 || data.length / dim != vectors) {
    reader.fail("vectors[].data", "as many floats as its rows have dimensions");
    return;
  }
  // Pinned with the others; an empty array has a null pointer.
  column.counts = counts.length > 0 ? counts.data : nullptr;
  if (counts.present()) pins.push_back(counts.value);
  column.data = data.data;
  column.rows = rowsOf(rows);
  column.count = static_cast<uint32_t>(count);
  columns_.vectors.push_back(column);
}

void ColumnsInput::readSparse(Reader& reader, napi_value entry, uint32_t vector,
                              const Span<float>& values, const Span<uint32_t>& rows,
                              std::vector<napi_value>& pins) {
  napi_value parts = reader.property(entry, "sparse");
  const auto indices = reader.typed<uint32_t>(reader.property(parts, "indices"), "sparse.indices");
  const auto offsets = reader.typed<uint32_t>(reader.property(parts, "offsets"), "sparse.offsets");
  if (reader.failed()) return;
  const size_t count = rows.present() ? rows.length : ids_.length / kIdWords;
  if (offsets.length != count + 1 || indices.length != values.length) {
    reader.fail("sparse", "as many indices as values, and one offset more than rows");
    return;
  }
  pins.push_back(indices.value);
  pins.push_back(offsets.value);
  static constexpr uint32_t kNoIndices[1] = {};
  columns_.sparse.push_back({vector, indices.length > 0 ? indices.data : kNoIndices, values.data,
                             offsets.data, rowsOf(rows), static_cast<uint32_t>(count)});
  entries_.push_back(indices.length);
}

bool ColumnsInput::readBatch(Reader& reader, napi_value batch, const ShardSpec& spec,
                             std::vector<napi_value>& pins) {
  readIds(reader, reader.property(batch, "ids"), pins);
  readSeq(reader, reader.property(batch, "seq"));
  napi_value vectors = reader.property(batch, "vectors");
  const uint32_t count = reader.arrayLength(vectors, "vectors", kMostVectors);
  for (uint32_t at = 0; at < count && !reader.failed(); at++)
    readVectors(reader, reader.element(vectors, at), spec, pins);
  napi_value payloads = reader.property(batch, "payloads");
  if (!reader.isAbsent(payloads)) readPayloads(reader, payloads, pins);
  return !reader.failed();
}

Status ColumnsInput::check() {
  const size_t count = ids_.length / kIdWords;
  columns_.ids.resize(count);
  for (size_t at = 0; at < count; at++) {
    if (!decodePointId(ids_.data + at * kIdWords, columns_.ids[at]))
      return Status(Code::InvalidArgument,
                    "ids[" + std::to_string(at) + "]: expected an encoded id");
  }
  for (const auto& column : columns_.vectors) {
    if (!hasAscendingRows(column, count))
      return Status(Code::InvalidArgument,
                    "vectors[].rows: expected ascending positions of points");
  }
  VICINAL_TRY(checkSparse());
  for (size_t at = 0; columns_.payloadOffsets != nullptr && at <= count; at++) {
    const uint32_t offset = columns_.payloadOffsets[at];
    if (offset > payloadBytes_ || (at > 0 && offset < columns_.payloadOffsets[at - 1]))
      return Status(Code::InvalidArgument,
                    "payloads.offsets: expected ascending offsets into the bytes");
  }
  return Status::ok();
}

Status ColumnsInput::checkSparse() const {
  for (size_t at = 0; at < columns_.sparse.size(); at++) {
    const auto& column = columns_.sparse[at];
    if (!hasAscendingRows(column, columns_.ids.size()))
      return Status(Code::InvalidArgument,
                    "vectors[].rows: expected ascending positions of points");
    for (uint32_t row = 0; row < column.count; row++)
      if (column.offsets[row] > column.offsets[row + 1] || column.offsets[row + 1] > entries_[at])
        return Status(Code::InvalidArgument, "sparse.offsets: expected ascending offsets");
    for (uint32_t row = 0; row < column.count; row++)
      if (!isSparseVector(column.at(row)))
        return Status(Code::InvalidArgument,
                      "sparse: expected ascending indices and finite values");
  }
  return Status::ok();
}

std::vector<PointId> readPointIds(Reader& reader, napi_value value, const char* field,
                                  size_t most) {
  const auto words = reader.typed<uint32_t>(value, field);
  if (reader.failed()) return {};
  if (words.length % kIdWords != 0 || words.length / kIdWords > most) {
    reader.fail(field, ("five words an id, and at most " + std::to_string(most) + " ids").c_str());
    return {};
  }
  std::vector<PointId> ids(words.length / kIdWords);
  for (size_t at = 0; at < ids.size() && !reader.failed(); at++) {
    if (!decodePointId(words.data + at * kIdWords, ids[at])) reader.fail(field, "encoded ids");
  }
  return ids;
}

std::vector<uint32_t> readVectorIndexes(Reader& reader, napi_value value, const ShardSpec& spec) {
  const auto indexes = reader.typed<uint32_t>(value, "vectors");
  std::vector<uint32_t> vectors;
  for (size_t at = 0; at < indexes.length && !reader.failed(); at++) {
    if (indexes.data[at] >= spec.vectorCount() || at >= kMostVectors)
      reader.fail("vectors", "indexes of the shard's vectors");
    vectors.push_back(indexes.data[at]);
  }
  return vectors;
}

namespace {

// One text column: n + 1 offsets; the last one must lie within the bytes.
bool readText(Reader& reader, napi_value column, const char* field, uint32_t count,
              std::vector<napi_value>& pins, const char*& bytes, const int32_t*& offsets) {
  const auto text = reader.typed<uint8_t>(reader.property(column, "bytes"), field);
  const auto ends = reader.typed<int32_t>(reader.property(column, "offsets"), field);
  if (reader.failed()) return false;
  if (ends.length != size_t(count) + 1 || ends.data[count] < 0 ||
      size_t(ends.data[count]) > text.length) {
    reader.fail(field, "one offset more than rows, within the bytes");
    return false;
  }
  bytes = reinterpret_cast<const char*>(text.data);
  offsets = ends.data;
  pins.push_back(text.value);
  pins.push_back(ends.value);
  return true;
}

template <typename T>
const T* readColumn(Reader& reader, napi_value batch, const char* name, size_t length,
                    std::vector<napi_value>& pins) {
  const auto column = reader.typed<T>(reader.property(batch, name), name);
  if (!reader.failed() && column.length != length) reader.fail(name, "one value a row");
  pins.push_back(column.value);
  return column.data;
}

void readSparseColumn(Reader& reader, napi_value entry, TableView& view,
                      std::vector<napi_value>& pins) {
  napi_value parts = reader.property(entry, "sparse");
  const auto values = reader.typed<float>(reader.property(entry, "data"), "data");
  const auto indices = reader.typed<uint32_t>(reader.property(parts, "indices"), "sparse.indices");
  const auto offsets = reader.typed<int32_t>(reader.property(parts, "offsets"), "sparse.offsets");
  const uint32_t* counts = readColumn<uint32_t>(reader, entry, "counts", view.count, pins);
  if (reader.failed()) return;
  const bool isWhole = offsets.length == size_t(view.count) + 1 &&
                       indices.length == values.length && offsets.data[view.count] >= 0 &&
                       size_t(offsets.data[view.count]) <= indices.length;
  if (!isWhole) reader.fail("sparse", "as many indices as values, and one offset more than rows");
  pins.insert(pins.end(), {values.value, indices.value, offsets.value});
  // A vector without components is present but has a null pointer.
  static constexpr uint32_t kNoIndices[1] = {};
  view.sparse.push_back(
      {indices.length > 0 ? indices.data : kNoIndices, values.data, offsets.data, counts});
}

} // namespace

bool readTable(Reader& reader, napi_value batch, const ShardSpec& spec,
               std::vector<napi_value>& pins, TableView& view) {
  view.count = static_cast<uint32_t>(
      reader.integer(reader.property(batch, "count"), "count", 0, kMostBatchRows));
  readText(reader, reader.property(batch, "ids"), "ids", view.count, pins, view.idBytes,
           view.idOffsets);
  readText(reader, reader.property(batch, "payloads"), "payloads", view.count, pins,
           view.payloadBytes, view.payloadOffsets);
  view.seqs = readColumn<int64_t>(reader, batch, "seqs", view.count, pins);
  view.deleted = readColumn<uint8_t>(reader, batch, "deleted", view.count, pins);
  view.crcs = readColumn<uint32_t>(reader, batch, "crcs", view.count, pins);
  napi_value vectors = reader.property(batch, "vectors");
  const uint32_t count = reader.arrayLength(vectors, "vectors", kMostVectors);
  if (!reader.failed() && count != spec.vectorCount())
    reader.fail("vectors", "one column for each vector of the shard");
  for (uint32_t at = 0; at < count && !reader.failed(); at++) {
    napi_value entry = reader.element(vectors, at);
    if (at >= spec.vectors.size()) {
      readSparseColumn(reader, entry, view, pins);
      continue;
    }
    const uint32_t* counts = readColumn<uint32_t>(reader, entry, "counts", view.count, pins);
    if (reader.failed()) break;
    const bool isMulti = spec.vectors[at].isMulti;
    if (!isMulti && std::any_of(counts, counts + view.count, [](uint32_t n) { return n > 1; })) {
      reader.fail("vectors[].counts", "at most one vector a row");
      break;
    }
    const uint64_t vectors = isMulti ? sumOf(counts, view.count) : view.count;
    // Without this bound the product could overflow. No array is that long, so it is then refused
    // for its length.
    const size_t floats = std::min<uint64_t>(vectors, UINT32_MAX) * spec.vectors[at].dim;
    view.vectors.push_back({readColumn<float>(reader, entry, "data", floats, pins), counts});
  }
  return !reader.failed();
}

} // namespace vicinal::binding
