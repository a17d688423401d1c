// Payload index files that no checkpoint writes, though their checksums are right.
#include "harness.hpp"
#include "index_files.hpp"

using namespace vicinal;
using namespace vicinal::test;

ANSWERS_TEST("a payload index file with values that no index writes is refused") {
  ThreadPool pool(1);
  const IndexedFiles files = writeIndexed(pool);
  REQUIRE(files.wholes.size() == filedFields().size());
  const auto refuses = [&](PayloadIndexKind kind, const auto& change) {
    const size_t at = size_t(std::find_if(filedFields().begin(), filedFields().end(),
                                          [&](auto& field) { return field.kind == kind; }) -
                             filedFields().begin());
    CHECK(openIndexFile(filedFields()[at], files.segment, kFiledPoints));
    IndexBytes bytes(files.wholes[at]);
    change(bytes);
    writeAll(files.paths[at], bytes.forged());
    const auto opened = openIndexFile(filedFields()[at], files.segment, kFiledPoints);
    CHECK(!opened && opened.status().code() == Code::Corrupt);
    writeAll(files.paths[at], files.wholes[at]);
  };
  const auto refusesForeign = [&](PayloadIndexKind kind, size_t array) {
    refuses(kind, [&](IndexBytes& bytes) {
      bytes.giveArray(array, IndexBytes::kTextAt, 1);
      bytes.giveArray(array + 1, IndexBytes::kTextAt, 1);
    });
  };
  // A row of a text twice.
  refuses(PayloadIndexKind::Keyword, [](IndexBytes& bytes) {
    size_t text = 0;
    while (bytes.value<uint64_t>(IndexBytes::kRowsAt, text + 1) -
               bytes.value<uint64_t>(IndexBytes::kRowsAt, text) <
           2)
      text++;
    const size_t row = bytes.value<uint64_t>(IndexBytes::kRowsAt, text);
    bytes.put(bytes.begin(IndexBytes::kRows) + (row + 1) * 4,
              bytes.value<uint32_t>(IndexBytes::kRows, row));
  });
  // Rows of equal numbers that do not ascend.
  refuses(PayloadIndexKind::Integer, [](IndexBytes& bytes) {
    size_t at = 0;
    while (bytes.value<int64_t>(IndexBytes::kIntegers, at) !=
               bytes.value<int64_t>(IndexBytes::kIntegers, at + 1) ||
           bytes.value<uint32_t>(IndexBytes::kIntegers + 1, at) ==
               bytes.value<uint32_t>(IndexBytes::kIntegers + 1, at + 1))
      at++;
    const auto row = bytes.value<uint32_t>(IndexBytes::kIntegers + 1, at);
    const auto next = bytes.value<uint32_t>(IndexBytes::kIntegers + 1, at + 1);
    bytes.put(bytes.begin(IndexBytes::kIntegers + 1) + at * 4, next);
    bytes.put(bytes.begin(IndexBytes::kIntegers + 1) + (at + 1) * 4, row);
  });
  // Values of another type.
  for (const auto kind : {PayloadIndexKind::Keyword, PayloadIndexKind::Uuid, PayloadIndexKind::Text,
                          PayloadIndexKind::Float, PayloadIndexKind::Bool})
    refusesForeign(kind, IndexBytes::kIntegers);
  for (const auto kind :
       {PayloadIndexKind::Integer, PayloadIndexKind::DateTime, PayloadIndexKind::Geo})
    refusesForeign(kind, IndexBytes::kNumbers);
  refuses(PayloadIndexKind::Keyword, [](IndexBytes& bytes) {
    bytes.giveArray(IndexBytes::kTrues, 0, 0);
    bytes.countFlags();
  });
}
