// Measures what recall costs in a space and, where the space leaves the choice to us, which codes
// cost the least: those it has, RaBitQ of 4 bits or, where codes of fewer directions mislead, SQ8
// of all dimensions.
//
// Where codes are of fewer directions, RaBitQ is of these too. Each kind is calibrated; then all
// answer the same queries at the effort that their own calibration promises recall for, in turn, so
// that what else the machine does meets all alike.
#pragma once

#include <memory>
#include <vector>

#include "search/calibrator.hpp"

namespace vicinal {

class CodeChoice {
public:
  // What recall costs is measured on `live`, or on stored vectors where that is null.
  CodeChoice(std::shared_ptr<VectorSpace> space, std::shared_ptr<const LiveQueries> live);

  // Works on for about a millisecond; false once all is done and the space has what was found.
  Result<bool> step();
  // After a failure: the space goes on with what it has.
  void giveUp() { space_.calibrated(nullptr, nullptr); }
  // The same, to begin again later.
  void putOff() {
    space_.recalibrate();
    giveUp();
  }

private:
  enum class Phase : uint8_t { Calibrate, Code, CalibrateOther, Compare, Adopt, Done };
  struct Candidate {
    std::shared_ptr<CodeArray> codes;
    std::shared_ptr<const Calibration> calibration;
    double seconds = 0;
  };

  bool isThereAChoice() const;
  void chooseCandidates();
  bool misleads() const;
  // Of the next candidate; false where there is none left.
  Result<bool> startCoding();
  void codeSome();
  Status compareOnce();
  void chooseBest();
  Result<double> secondsOf(const std::shared_ptr<const CodeArray>& codes, const Calibration& by,
                           const float* query, float recall) const;

  const std::shared_ptr<VectorSpace> owner_;
  VectorSpace& space_;
  const std::shared_ptr<const CodeArray> codes_;
  const std::shared_ptr<const LiveQueries> live_;
  // Vertices at the measurement before.
  const uint32_t measuredBefore_;
  Phase phase_ = Phase::Calibrate;
  std::unique_ptr<Calibrator> calibrator_;
  std::shared_ptr<const Calibration> calibration_;

  // Yet to be made, the next one last.
  std::vector<CodeKind> kinds_;
  std::vector<Candidate> candidates_;
  const Candidate* best_ = nullptr;
  uint32_t coded_ = 0;
  uint32_t toCode_ = 0;
  uint32_t compared_ = 0;
  double seconds_ = 0;
};

} // namespace vicinal
