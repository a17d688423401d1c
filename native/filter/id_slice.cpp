#include "filter/id_slice.hpp"

#include <bit>

namespace vicinal {

namespace {

class SipHash {
public:
  void add(uint64_t word) {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  // `bytes` is the length of all words that were added.
  uint64_t finish(uint64_t bytes) {
    add(bytes << 56);
    v2_ ^= 0xff;
    for (int i = 0; i < 4; i++) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

private:
  void round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  // The constants of SipHash ("somepseudorandomlygeneratedbytes") with a key of zeros.
  uint64_t v0_ = 0x736f6d6570736575;
  uint64_t v1_ = 0x646f72616e646f6d;
  uint64_t v2_ = 0x6c7967656e657261;
  uint64_t v3_ = 0x7465646279746573;
};

uint32_t byteSwap(uint32_t word) {
  return word >> 24 | (word >> 8 & 0xff00) | (word << 8 & 0xff0000) | word << 24;
}

// Eight bytes of a UUID as a little-endian number, from two big-endian words.
uint64_t uuidWord(uint32_t first, uint32_t second) {
  return static_cast<uint64_t>(byteSwap(second)) << 32 | byteSwap(first);
}

} // namespace

uint64_t sliceHash(const IdWords& id) {
  SipHash hash;
  if (id[0] == 0) {
    hash.add(static_cast<uint64_t>(id[2]) << 32 | id[1]);
    return hash.finish(8);
  }
  hash.add(uuidWord(id[1], id[2]));
  hash.add(uuidWord(id[3], id[4]));
  return hash.finish(16);
}

bool IdSlice::contains(const IdWords& id) const { return sliceHash(id) % total == index; }

} // namespace vicinal
