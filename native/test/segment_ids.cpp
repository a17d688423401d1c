#include <random>
#include <unordered_map>

#include "harness.hpp"
#include "segment/id_map.hpp"
#include "segment/row_checksum.hpp"

using namespace vicinal;

namespace {

PointId uuid(uint64_t high, uint64_t low) { return {true, high, low}; }

std::string textOf(const PointId& id) {
  std::string text;
  appendPointIdText(id, text);
  return text;
}

} // namespace

SOLO_TEST("ids survive conversion to words and text, and sort like their texts") {
  const PointId ids[] = {PointId::number(0),
                         PointId::number(7),
                         PointId::number(UINT64_MAX),
                         uuid(0, 0),
                         uuid(0x0123456789abcdefULL, 0xfedcba9876543210ULL),
                         uuid(UINT64_MAX, UINT64_MAX)};
  for (size_t at = 0; at < std::size(ids); at++) {
    uint32_t words[kIdWords];
    encodePointId(ids[at], words);
    PointId back;
    CHECK(decodePointId(words, back) && back == ids[at]);
    CHECK(parsePointIdText(textOf(ids[at]), back) && back == ids[at]);
    if (at > 0) CHECK(ids[at - 1] < ids[at]);
  }
  CHECK_EQUAL(textOf(ids[4]), std::string("01234567-89ab-cdef-fedc-ba9876543210"));
}

SOLO_TEST("invalid ids are refused") {
  PointId id;
  const uint32_t unknownKind[] = {2, 0, 0, 0, 0};
  const uint32_t longNumber[] = {0, 1, 1, 0, 1};
  CHECK(!decodePointId(unknownKind, id));
  CHECK(!decodePointId(longNumber, id));
  for (const char* text :
       {"", "-1", "1x", "18446744073709551616", "01234567-89ab-cdef-fedc-ba987654321g",
        "01234567+89ab-cdef-fedc-ba9876543210"})
    CHECK(!parsePointIdText(text, id));
}

SOLO_TEST("the id map agrees with a reference through growth and updates") {
  auto reserved = IdColumns::reserve(1 << 16);
  REQUIRE(reserved.isOk());
  IdColumns ids = reserved.take();
  IdMap map;
  std::unordered_map<uint64_t, uint32_t> reference;
  std::mt19937 random(5);
  uint32_t rows = 0;
  for (int batch = 0; batch < 60; batch++) {
    const uint32_t count = 1 + random() % 300;
    REQUIRE(ids.grow(rows + count).isOk());
    REQUIRE(map.prepare(ids, count).isOk());
    map.adopt();
    for (uint32_t i = 0; i < count; i++) {
      const uint64_t key = random() % 5000;
      ids.set(rows, key % 3 == 0 ? uuid(key, key) : PointId::number(key));
      const auto known = reference.find(key);
      CHECK_EQUAL(map.put(ids, rows), known == reference.end() ? kNoRow : known->second);
      reference[key] = rows++;
    }
  }
  for (uint64_t key = 0; key < 6000; key++) {
    const auto known = reference.find(key);
    const PointId id = key % 3 == 0 ? uuid(key, key) : PointId::number(key);
    CHECK_EQUAL(map.find(ids, id), known == reference.end() ? kNoRow : known->second);
  }
  CHECK_EQUAL(map.used(), uint32_t(reference.size()));
}

SOLO_TEST("a row's checksum depends on each of its parts and on their boundaries") {
  const float vector[] = {1, 2, 3};
  const ChecksummedRow row{"12", 5, false, "{}"};
  const uint32_t whole = addVectorChecksum(rowChecksum(row), 0, vector, 3);
  CHECK(rowChecksum({"1", 5, false, "{}"}) != rowChecksum(row));
  CHECK(rowChecksum({"12", 6, false, "{}"}) != rowChecksum(row));
  CHECK(rowChecksum({"12", 5, true, "{}"}) != rowChecksum(row));
  CHECK(rowChecksum({"12", 5, false, "{ }"}) != rowChecksum(row));
  CHECK(rowChecksum(row) != whole);
  CHECK(addVectorChecksum(rowChecksum(row), 1, vector, 3) != whole);
  CHECK(addVectorChecksum(rowChecksum(row), 0, vector, 2) != whole);
}
