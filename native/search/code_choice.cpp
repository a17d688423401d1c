#include "search/code_choice.hpp"

#include "base/thread_time.hpp"
#include "search/space_search.hpp"

namespace vicinal {

namespace {

// Fewer vertices are scanned about as fast as walked through.
constexpr uint32_t kLeastChosen = 16'384;
constexpr uint32_t kGrowthBetweenChoices = 2;
constexpr uint32_t kCodedAtOnce = 256;
constexpr uint32_t kComparedQueries = 128;
// The recalls at which costs are compared.
constexpr float kCompared[] = {0.95f, 0.99f};
constexpr double kAboutTheSame = 1.03;
// If more candidates than this are rescored for ten neighbours, the codes mislead.
constexpr double kManyRescored = 64;

} // namespace

CodeChoice::CodeChoice(std::shared_ptr<VectorSpace> space, std::shared_ptr<const LiveQueries> live)
    : owner_(std::move(space)), space_(*owner_), codes_(space_.codes()), live_(std::move(live)),
      measuredBefore_(space_.calibration()->vertices()),
      calibrator_(std::make_unique<Calibrator>(owner_, live_, codes_, space_.linked())) {}

Result<bool> CodeChoice::step() {
  switch (phase_) {
  case Phase::Calibrate: {
    const auto goesOn = calibrator_->step();
    if (!goesOn || *goesOn) return goesOn;
    calibration_ = calibrator_->result();
    if (calibrator_->compares()) space_.noteCompared(calibration_->vertices(), codes_);
    space_.useCalibration(calibration_, codes_);
    if (!isThereAChoice()) break;
    chooseCandidates();
    VICINAL_TRY(startCoding().status());
    phase_ = Phase::Code;
    return true;
  }
  case Phase::Code:
    codeSome();
    if (coded_ < toCode_) return true;
    calibrator_ = std::make_unique<Calibrator>(owner_, live_, candidates_.back().codes, toCode_);
    phase_ = Phase::CalibrateOther;
    return true;
  case Phase::CalibrateOther: {
    auto goesOn = calibrator_->step();
    if (!goesOn || *goesOn) return goesOn;
    candidates_.back().calibration = calibrator_->result();
    goesOn = startCoding();
    if (!goesOn) return goesOn;
    phase_ = *goesOn ? Phase::Code : Phase::Compare;
    return true;
  }
  case Phase::Compare:
    VICINAL_TRY(compareOnce());
    if (compared_ < kComparedQueries) return true;
    chooseBest();
    if (best_ == nullptr) break;
    phase_ = Phase::Adopt;
    return true;
  case Phase::Adopt:
    // Other vertices are being linked with the present codes, so adoption waits.
    if (!space_.claimAdoption()) return true;
    if (const Status status = space_.adopt(best_->codes, toCode_, best_->calibration); !status)
      return status;
    phase_ = Phase::Done;
    return false;
  case Phase::Done: return false;
  }
  phase_ = Phase::Done;
  space_.calibrated(calibration_, codes_);
  return false;
}

bool CodeChoice::isThereAChoice() const {
  // New kinds of queries alone are no reason to make other codes, since that takes far longer than
  // calibrating.
  if (live_ && space_.linked() / kGrowthBetweenChoices < measuredBefore_) return false;
  // The choice compares the costs of walks, so it needs a graph and enough vertices.
  return space_.leavesChoice() && space_.hasGraph() && codes_ && codes_->space().isSq8() &&
         space_.linked() >= kLeastChosen && !space_.coldVectors();
}

void CodeChoice::chooseCandidates() {
  toCode_ = space_.linked();
  if (codes_->scheme().projection && misleads()) kinds_.push_back(CodeKind::Sq8);
  kinds_.push_back(CodeKind::Rabitq4);
}

// Whether the present codes need so much rescoring that codes of all dimensions may cost less.
bool CodeChoice::misleads() const {
  for (const float recall : kCompared) {
    const auto promise = calibration_->least(recall);
    if (!promise || promise->rescored > kManyRescored) return true;
  }
  return false;
}

Result<bool> CodeChoice::startCoding() {
  if (kinds_.empty()) return false;
  auto codes = space_.codesOf(kinds_.back(), toCode_);
  if (!codes) return codes.status();
  kinds_.pop_back();
  candidates_.push_back({codes.take(), nullptr, 0});
  coded_ = 0;
  return true;
}

void CodeChoice::codeSome() {
  const uint32_t to = std::min(toCode_, coded_ + kCodedAtOnce);
  RowFloats room;
  for (; coded_ < to; coded_++)
    candidates_.back().codes->space().encode(coded_, space_.floats(coded_, room));
}

// Searches for one stored vector with each kind of codes at each recall.
Status CodeChoice::compareOnce() {
  const auto vertex = uint32_t(uint64_t(compared_++) * toCode_ / kComparedQueries);
  RowFloats room;
  const float* const query = space_.floats(vertex, room);
  for (const float recall : kCompared) {
    const auto own = secondsOf(codes_, *calibration_, query, recall);
    if (!own) return own.status();
    seconds_ += *own;
    for (Candidate& each : candidates_) {
      const auto took = secondsOf(each.codes, *each.calibration, query, recall);
      if (!took) return took.status();
      each.seconds += *took;
    }
  }
  return Status::ok();
}

// Of two kinds that cost about the same, the one with smaller codes wins.
void CodeChoice::chooseBest() {
  double least = seconds_;
  uint32_t stride = codes_->space().stride();
  for (const Candidate& each : candidates_) {
    const bool isSmaller = each.codes->space().stride() <= stride;
    if (isSmaller ? each.seconds > least * kAboutTheSame : each.seconds * kAboutTheSame > least)
      continue;
    least = each.seconds;
    stride = each.codes->space().stride();
    best_ = &each;
  }
}

Result<double> CodeChoice::secondsOf(const std::shared_ptr<const CodeArray>& codes,
                                     const Calibration& by, const float* query,
                                     float recall) const {
  const auto promise = by.least(recall);
  // Codes that cannot promise the recall would need a scan, so they count as very slow.
  if (!promise) return 1.0;
  const SearchOptions options =
      walkOptions(space_.spec().metric, promise->effort, kCalibratedWanted);
  SearchStats stats;
  std::vector<Neighbor> found;
  SearchEnd end = SearchEnd::Complete;
  const double started = threadSeconds();
  SpaceSearch search(space_, query, Waiting::Allowed, stats, codes);
  VICINAL_TRY(search.walk(options, rescoringFor(promise->effort.doubt, kCalibratedWanted),
                          AcceptAll{}, found, end));
  return threadSeconds() - started;
}

} // namespace vicinal
