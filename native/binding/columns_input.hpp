// Columns of rows as JavaScript passes them.
#pragma once

#include "binding/arguments.hpp"
#include "shard/columns.hpp"
#include "shard/shard.hpp"

namespace vicinal::binding {

// The input of a write. The `read` functions check shapes on the JavaScript thread and add arrays
// to pin. `check` checks the contents on the pool; only then may `columns` be used.
class ColumnsInput {
public:
  bool readBatch(Reader& reader, napi_value batch, const ShardSpec& spec,
                 std::vector<napi_value>& pins);
  void readIds(Reader& reader, napi_value ids, std::vector<napi_value>& pins);
  void readPayloads(Reader& reader, napi_value payloads, std::vector<napi_value>& pins);
  void readSeq(Reader& reader, napi_value seq);

  Status check();
  const UpsertColumns& columns() const { return columns_; }
  // Bytes of everything that was read.
  size_t bytes() const { return bytes_; }

private:
  void readVectors(Reader& reader, napi_value vector, const ShardSpec& spec,
                   std::vector<napi_value>& pins);
  void readSparse(Reader& reader, napi_value entry, uint32_t vector, const Span<float>& values,
                  const Span<uint32_t>& rows, std::vector<napi_value>& pins);
  Status checkSparse() const;

  Span<uint32_t> ids_;
  uint64_t payloadBytes_ = 0;
  size_t bytes_ = 0;
  // Components of each sparse column.
  std::vector<size_t> entries_;
  UpsertColumns columns_;
};

// Decodes ids at once; for short lists.
std::vector<PointId> readPointIds(Reader& reader, napi_value value, const char* field, size_t most);
// Numbers of the shard's named vectors.
std::vector<uint32_t> readVectorIndexes(Reader& reader, napi_value value, const ShardSpec& spec);

// Rows of the table; their contents are checked when they are used.
bool readTable(Reader& reader, napi_value batch, const ShardSpec& spec,
               std::vector<napi_value>& pins, TableView& view);

} // namespace vicinal::binding
