#include "search/row_block.hpp"

#include <string>

#include "filter/evaluator.hpp"
#include "search/segment_rows.hpp"

namespace vicinal {

namespace {

// A row that has to be read from a file takes some microseconds.
constexpr uint64_t kUnitsPerRowRead = 4096;

Status outOfMemory() { return Status::outOfMemory("collecting rows"); }

Status readPayloads(const RowRef* rows, size_t count, RowBlock& block, WorkMeter& work) {
  block.hasPayloads = true;
  if (!block.payloadOffsets.resize(count + 1)) return outOfMemory();
  uint64_t bytes = 0;
  for (size_t at = 0; at < count; at++) {
    block.payloadOffsets[at] = static_cast<uint32_t>(bytes);
    bytes += rows[at].segment->payload(rows[at].row).size();
    if (!work.spend(kUnitsPerRowRead)) return work.status();
    if (bytes > UINT32_MAX)
      return Status(Code::TooLarge,
                    "the payloads of one answer exceed 4 GiB; ask for fewer points");
  }
  block.payloadOffsets[count] = static_cast<uint32_t>(bytes);
  if (!block.payloadBytes.resize(bytes)) return outOfMemory();
  for (size_t at = 0; at < count; at++) {
    const std::string_view text = rows[at].segment->payload(rows[at].row);
    if (!work.spend(kUnitsPerRowRead + text.size())) return work.status();
    if (!text.empty())
      __builtin_memcpy(block.payloadBytes.data() + block.payloadOffsets[at], text.data(),
                       text.size());
  }
  return Status::ok();
}

Status readVectors(const RowRef* rows, size_t count, uint32_t vector, const VectorSpec& spec,
                   RowBlock::Vectors& column, WorkMeter& work) {
  const size_t floats = spec.isMulti ? 0 : count * spec.dim;
  if (!column.data.reserve(floats) || !column.counts.resize(count)) return outOfMemory();
  for (size_t at = 0; at < count; at++) {
    const RowVectors from = rows[at].segment->vectorsOf(vector, rows[at].row);
    if (!work.spend(kUnitsPerRowRead + uint64_t(from.count) * spec.dim)) return work.status();
    column.counts[at] = from.count;
    const bool fits = from.count > 0
                          ? appendFloats(column.data, from, size_t(from.count) * spec.dim)
                          : spec.isMulti || column.data.appendZeros(spec.dim);
    if (!fits) return outOfMemory();
  }
  return Status::ok();
}

Status readSparse(const RowRef* rows, size_t count, uint32_t vector, RowBlock::Vectors& column,
                  WorkMeter& work) {
  column.isSparse = true;
  if (!column.counts.resize(count) || !column.offsets.push(0)) return outOfMemory();
  for (size_t at = 0; at < count; at++) {
    const SparseVector from = rows[at].segment->sparse(vector).vector(rows[at].row);
    if (!work.spend(kUnitsPerRowRead + from.count)) return work.status();
    column.counts[at] = from.isPresent() ? 1 : 0;
    if (column.indices.size() + from.count > UINT32_MAX)
      return Status(Code::TooLarge, "too many components in one answer; ask for fewer points");
    if (!column.indices.append(from.indices, from.count) ||
        !column.data.append(from.values, from.count) ||
        !column.offsets.push(static_cast<uint32_t>(column.indices.size())))
      return outOfMemory();
  }
  return Status::ok();
}

} // namespace

namespace {

// A row with the payload that is about to be returned.
class ReturnedRow final : public RowSource {
public:
  ReturnedRow(const RowSource& row, std::string_view text, const CancelFlag* cancel)
      : RowSource(cancel), row_(row), text_(text) {}
  uint32_t rows() const override { return row_.rows(); }
  std::string_view payload(uint32_t) const override { return text_; }
  IdWords id(uint32_t row) const override { return row_.id(row); }
  bool hasVector(uint32_t row, uint32_t vector) const override {
    return row_.hasVector(row, vector);
  }
  void overlaidRows(RowBitmap&) const override {}

private:
  const RowSource& row_;
  std::string_view text_;
};

} // namespace

Status noLongerMatching(const Snapshot& snapshot, const FilterNode& filter, const RowRef* rows,
                        const RowBlock& block, const CancelFlag* cancel,
                        std::vector<size_t>& gone) {
  for (size_t at = 0; at < block.count; at++) {
    if (!rows[at].segment->payloads().isOverlaid(rows[at].row)) continue;
    size_t segment = 0;
    while (&snapshot.segment(segment) != rows[at].segment) segment++;
    const SegmentRows source(SegmentView(snapshot, segment), snapshot, cancel);
    const uint32_t from = block.payloadOffsets[at];
    const std::string_view text(block.payloadBytes.data() + from,
                                block.payloadOffsets[at + 1] - from);
    const ReturnedRow returned(source, text, cancel);
    VICINAL_TRY(returned.work().look());
    const bool isMatch = matches(filter, returned, rows[at].row);
    VICINAL_TRY(returned.work().status());
    if (!isMatch) gone.push_back(at);
  }
  return Status::ok();
}

namespace {

// A row or vector takes three times this much memory as a JavaScript object, in addition to its
// bytes; every byte is counted three times.
constexpr uint64_t kObjectBytes = 96;

uint64_t payloadBytesOf(const RowRef* rows, size_t count) {
  uint64_t bytes = 0;
  for (size_t at = 0; at < count; at++) bytes += rows[at].segment->payload(rows[at].row).size();
  return bytes;
}

uint64_t vectorBytesOf(const RowRef* rows, size_t count, uint32_t vector,
                       const std::vector<VectorSpec>& specs) {
  if (vector < specs.size() && !specs[vector].isMulti)
    return count * (uint64_t(specs[vector].dim) * sizeof(float) + kObjectBytes);
  uint64_t bytes = 0;
  for (size_t at = 0; at < count; at++) {
    const Segment& segment = *rows[at].segment;
    if (vector < specs.size())
      bytes += segment.space(vector).verticesOf(rows[at].row) *
               (uint64_t(specs[vector].dim) * sizeof(float) + kObjectBytes);
    else
      bytes += segment.sparse(vector - specs.size()).vector(rows[at].row).count *
                   uint64_t(sizeof(uint32_t) + sizeof(float)) +
               2 * kObjectBytes;
  }
  return bytes;
}

// Checks the size by lengths alone, before any copy.
Status checkBytes(const RowRef* rows, size_t count, const RowFields& fields,
                  const std::vector<VectorSpec>& specs) {
  uint64_t bytes = count * (kIdWords * sizeof(uint32_t) + sizeof(double) + kObjectBytes);
  if (fields.payload) bytes += payloadBytesOf(rows, count);
  for (const uint32_t vector : fields.vectors) bytes += vectorBytesOf(rows, count, vector, specs);
  if (bytes <= fields.mostBytes) return Status::ok();
  return Status::moreWanted(bytes, "the rows of the answer take " + std::to_string(bytes) +
                                       " bytes, of " + std::to_string(fields.mostBytes) +
                                       " that they may");
}

} // namespace

uint64_t payloadBytes(const std::vector<RowRef>& rows) {
  return payloadBytesOf(rows.data(), rows.size());
}

Status readRows(const RowRef* rows, size_t count, const RowFields& fields,
                const std::vector<VectorSpec>& specs, RowBlock& block, WorkMeter& work) {
  if (fields.mostBytes != UINT64_MAX) VICINAL_TRY(checkBytes(rows, count, fields, specs));
  block.count = static_cast<uint32_t>(count);
  if (!block.ids.resize(count * kIdWords) || !block.seqs.resize(count)) return outOfMemory();
  for (size_t at = 0; at < count; at++) {
    if (!work.spend(kUnitsPerRowRead)) return work.status();
    encodePointId(rows[at].segment->id(rows[at].row), &block.ids[at * kIdWords]);
    block.seqs[at] = static_cast<double>(rows[at].segment->seq(rows[at].row));
  }
  if (fields.payload) VICINAL_TRY(readPayloads(rows, count, block, work));
  block.vectors.resize(fields.vectors.size());
  for (size_t at = 0; at < fields.vectors.size(); at++) {
    const uint32_t vector = fields.vectors[at];
    if (vector < specs.size())
      VICINAL_TRY(readVectors(rows, count, vector, specs[vector], block.vectors[at], work));
    else
      VICINAL_TRY(
          readSparse(rows, count, vector - uint32_t(specs.size()), block.vectors[at], work));
  }
  return work.look();
}

} // namespace vicinal
