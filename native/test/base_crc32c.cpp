#include "base/crc32c.hpp"

#include <random>
#include <string>
#include <vector>

#include "test/harness.hpp"

using namespace vicinal;

SOLO_TEST("crc32c gives the values of RFC 3720") {
  CHECK_EQUAL(crc32c("123456789", 9), 0xe3069283u);
  const std::string zeros(32, '\0');
  CHECK_EQUAL(crc32c(zeros.data(), 32), 0x8a9136aau);
  const std::string ones(32, '\xff');
  CHECK_EQUAL(crc32c(ones.data(), 32), 0x62a8ab43u);
  CHECK_EQUAL(crc32cPortable("123456789", 9), 0xe3069283u);
  CHECK_EQUAL(crc32c(nullptr, 0), 0u);
}

SOLO_TEST("crc32c by instruction equals the portable version at every length and alignment, whole "
          "or in parts") {
  std::mt19937 random(7);
  std::vector<uint8_t> data(20'000);
  for (uint8_t& byte : data) byte = uint8_t(random());
  for (size_t length = 0; length < 200; length++)
    for (size_t at = 0; at < 9; at++)
      CHECK_EQUAL(crc32c(&data[at], length), crc32cPortable(&data[at], length));
  for (int i = 0; i < 200; i++) {
    const size_t at = random() % 100;
    const size_t length = random() % (data.size() - 100);
    const size_t cut = random() % (length + 1);
    const uint32_t whole = crc32cPortable(&data[at], length, 5);
    CHECK_EQUAL(crc32c(&data[at], length, 5), whole);
    CHECK_EQUAL(crc32c(&data[at + cut], length - cut, crc32c(&data[at], cut, 5)), whole);
  }
}
