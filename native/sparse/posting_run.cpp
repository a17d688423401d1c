#include "sparse/posting_run.hpp"

#include <algorithm>

namespace vicinal {

namespace {

uint32_t blocksOf(uint32_t postings) { return (postings + kPostingBlock - 1) / kPostingBlock; }

constexpr size_t kPostingsOfLine = 16;
// The most postings of one list that are prefetched.
constexpr size_t kMostAhead = 512;

size_t mixed(uint32_t term) { return (uint64_t(term) * 0x9e3779b97f4a7c15ULL) >> 32; }

} // namespace

void PostingRun::lay() {
  const uint32_t terms = header()[3];
  const uint32_t blocks = header()[5];
  uint32_t* at = words_.data() + kHeaderWords;
  const auto take = [&](uint64_t words) {
    uint32_t* taken = at;
    at += words;
    return taken;
  };
  terms_ = take(terms);
  firstPostings_ = take(uint64_t(terms) + 1);
  firstBlocks_ = take(uint64_t(terms) + 1);
  lastRows_ = take(blocks);
  greatest_ = reinterpret_cast<float*>(take(blocks));
  least_ = reinterpret_cast<float*>(take(blocks));
  rows_ = take(postings());
  values_ = reinterpret_cast<float*>(at);
}

// Checks that every list lies within the run. Checksums cover rows and values; searches ignore rows
// outside the segment.
bool PostingRun::isSound() const {
  const uint32_t terms = header()[3];
  if (firstPostings_[0] != 0 || firstBlocks_[0] != 0) return false;
  if (firstPostings_[terms] != postings() || firstBlocks_[terms] != header()[5]) return false;
  for (uint32_t term = 0; term < terms; term++) {
    if (firstPostings_[term] >= firstPostings_[term + 1]) return false;
    const uint32_t blocks = blocksOf(firstPostings_[term + 1] - firstPostings_[term]);
    if (firstBlocks_[term + 1] < firstBlocks_[term] ||
        firstBlocks_[term + 1] - firstBlocks_[term] != blocks)
      return false;
  }
  return true;
}

Result<std::shared_ptr<const PostingRun>> PostingRun::map(int descriptor, uint64_t offset,
                                                          uint64_t bytes, Placement placement) {
  const Status corrupt(Code::Corrupt, "the postings of a sparse vector are inconsistent");
  const uint64_t words = bytes / sizeof(uint32_t);
  if (bytes % sizeof(uint32_t) != 0 || words < kHeaderWords) return corrupt;
  auto array = RegionArray<uint32_t>::reserve(words);
  if (!array) return array.status();
  std::shared_ptr<PostingRun> run(new PostingRun);
  run->words_ = array.take();
  run->words_.place(placement);
  if (Status status = run->words_.mapFile(descriptor, offset, words); !status) return status;
  const uint32_t* header = run->header();
  if (header[0] != kMagic || header[1] > header[2] ||
      wordsOf(header[3], header[4], header[5]) != words)
    return corrupt;
  run->lay();
  if (!run->isSound()) return corrupt;
  return std::shared_ptr<const PostingRun>(std::move(run));
}

// Indices are word hashes or vocabulary numbers, both evenly distributed. An index is therefore
// near its proportional position.
uint32_t PostingRun::guess(uint32_t index) const {
  const uint32_t terms = header()[3];
  const uint64_t range = std::max(1u, terms_[terms - 1] - terms_[0]);
  return static_cast<uint32_t>(uint64_t(index - terms_[0]) * (terms - 1) / range);
}

const uint32_t* PostingRun::seek(uint32_t index) const {
  const uint32_t terms = header()[3];
  if (terms == 0 || index < terms_[0] || index > terms_[terms - 1]) return nullptr;
  const uint32_t guessed = guess(index);
  uint32_t from = guessed;
  uint32_t to = guessed;
  uint32_t step = 8;
  if (terms_[guessed] < index) {
    for (to = guessed + step; to < terms && terms_[to] < index; to = from + step) {
      from = to;
      step *= 2;
    }
  } else {
    for (from = guessed - std::min(guessed, step); from > 0 && terms_[from] > index;
         from = to - std::min(to, step)) {
      to = from;
      step *= 2;
    }
  }
  return std::lower_bound(terms_ + from, terms_ + std::min(terms, to + 1), index);
}

PostingRun::List PostingRun::listAt(size_t term) const {
  const uint32_t posting = firstPostings_[term];
  const uint32_t block = firstBlocks_[term];
  return {
      rows_ + posting,   values_ + posting, firstPostings_[term + 1] - posting, lastRows_ + block,
      greatest_ + block, least_ + block,    firstBlocks_[term + 1] - block};
}

PostingRun::List PostingRun::find(uint32_t index) const {
  const uint32_t* found = seek(index);
  return found == nullptr || *found != index ? List{} : listAt(static_cast<size_t>(found - terms_));
}

void PostingRun::findAll(const uint32_t* indices, size_t count, size_t ahead, List* lists) const {
  std::fill_n(lists, count, List{});
  const uint32_t terms = header()[3];
  if (terms == 0) return;
  for (size_t i = 0; i < count; i++)
    if (indices[i] >= terms_[0] && indices[i] <= terms_[terms - 1])
      __builtin_prefetch(terms_ + guess(indices[i]));
  for (size_t i = 0; i < count; i++) {
    const uint32_t* found = seek(indices[i]);
    if (found == nullptr || *found != indices[i]) continue;
    const auto term = static_cast<size_t>(found - terms_);
    __builtin_prefetch(firstPostings_ + term);
    __builtin_prefetch(firstBlocks_ + term);
    // For now `rows` holds the term's position, until all indices have been sought.
    lists[i].rows = found;
  }
  const size_t ofEach = std::clamp<size_t>(ahead / std::max<size_t>(1, count), 1, kMostAhead);
  for (size_t i = 0; i < count; i++) {
    List& list = lists[i];
    if (list.rows == nullptr) continue;
    list = listAt(static_cast<size_t>(list.rows - terms_));
    __builtin_prefetch(list.greatest);
    __builtin_prefetch(list.least);
    for (size_t at = 0; at < std::min<size_t>(list.count, ofEach); at += kPostingsOfLine) {
      __builtin_prefetch(list.rows + at);
      __builtin_prefetch(list.values + at);
    }
  }
}

PostingBuilder::Slot& PostingBuilder::slotOf(uint32_t term) {
  size_t at = mixed(term) & (slots_.size() - 1);
  while (slots_[at].value != 0 && slots_[at].term != term) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void PostingBuilder::grow() {
  std::vector<Slot> before(slots_.size() * 2);
  before.swap(slots_);
  for (const Slot& slot : before)
    if (slot.value != 0) slotOf(slot.term) = slot;
}

void PostingBuilder::count(const SparseVector& vector) {
  for (uint32_t at = 0; at < vector.count; at++) {
    Slot& slot = slotOf(vector.indices[at]);
    slot.term = vector.indices[at];
    if (slot.value++ == 0 && ++terms_ * 2 > slots_.size()) grow();
  }
  postings_ += vector.count;
}

Status PostingBuilder::place(uint32_t from, uint32_t to) {
  std::vector<Slot> terms;
  terms.reserve(terms_);
  uint64_t blocks = 0;
  for (const Slot& slot : slots_) {
    if (slot.value == 0) continue;
    terms.push_back(slot);
    blocks += blocksOf(slot.value);
  }
  std::sort(terms.begin(), terms.end(),
            [](const Slot& a, const Slot& b) { return a.term < b.term; });
  if (postings_ >= UINT32_MAX)
    return Status(Code::TooLarge, "too many components of sparse vectors in one segment");
  const uint64_t words = PostingRun::wordsOf(terms.size(), postings_, blocks);
  auto array = RegionArray<uint32_t>::reserve(words);
  if (!array) return array.status();
  run_ = std::shared_ptr<PostingRun>(new PostingRun);
  run_->words_ = array.take();
  VICINAL_TRY(run_->words_.grow(words));
  uint32_t* into = run_->words_.data();
  const uint32_t header[PostingRun::kHeaderWords] = {PostingRun::kMagic,
                                                     from,
                                                     to,
                                                     static_cast<uint32_t>(terms.size()),
                                                     static_cast<uint32_t>(postings_),
                                                     static_cast<uint32_t>(blocks)};
  std::copy(std::begin(header), std::end(header), into);
  run_->lay();
  uint32_t posting = 0;
  uint32_t block = 0;
  for (size_t at = 0; at < terms.size(); at++) {
    run_->terms_[at] = terms[at].term;
    run_->firstPostings_[at] = posting;
    run_->firstBlocks_[at] = block;
    slotOf(terms[at].term).value = posting + 1;
    posting += terms[at].value;
    block += blocksOf(terms[at].value);
  }
  run_->firstPostings_[terms.size()] = posting;
  run_->firstBlocks_[terms.size()] = block;
  return Status::ok();
}

void PostingBuilder::add(uint32_t row, const SparseVector& vector) {
  for (uint32_t at = 0; at < vector.count; at++) {
    const uint32_t posting = slotOf(vector.indices[at]).value++ - 1;
    run_->rows_[posting] = row;
    run_->values_[posting] = vector.values[at];
  }
}

std::shared_ptr<const PostingRun> PostingBuilder::finish() {
  const PostingRun& run = *run_;
  const uint32_t terms = run.header()[3];
  for (uint32_t term = 0; term < terms; term++) {
    uint32_t block = run.firstBlocks_[term];
    const uint32_t end = run.firstPostings_[term + 1];
    for (uint32_t from = run.firstPostings_[term]; from < end; from += kPostingBlock, block++) {
      const uint32_t to = std::min(end, from + kPostingBlock);
      const auto [least, greatest] = std::minmax_element(run.values_ + from, run.values_ + to);
      run.lastRows_[block] = run.rows_[to - 1];
      run.greatest_[block] = *greatest;
      run.least_[block] = *least;
    }
  }
  return std::move(run_);
}

} // namespace vicinal
