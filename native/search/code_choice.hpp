// Measures the cost of recall in a space. If the configuration leaves the choice to the kernel, it
// also chooses the cheapest codes. Candidates are the present ones and 4-bit RaBitQ. If codes of
// fewer directions mislead, SQ8 of all dimensions is a candidate too.
//
// If the present codes have fewer directions, RaBitQ uses these too. Each kind is calibrated. Then
// all kinds answer the same queries in turn, each at the effort that its own calibration gives for
// the recall. Taking turns spreads other load of the machine evenly.
#pragma once

#include <memory>
#include <vector>

#include "search/calibrator.hpp"

namespace vicinal {

class CodeChoice {
public:
  // Calibrates on `live`, or on stored vectors if it is null.
  CodeChoice(std::shared_ptr<VectorSpace> space, std::shared_ptr<const LiveQueries> live);

  // Works for about a millisecond; false once everything is done and the space has the results.
  Result<bool> step();
  // Ends after a failure; the space keeps its codes and calibration.
  void giveUp() { space_.calibrated(nullptr, nullptr); }
  // Like `giveUp`, but calibration becomes due again.
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
  // Starts coding for the next candidate; false if there is none left.
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
  // Vertices at the previous calibration.
  const uint32_t measuredBefore_;
  Phase phase_ = Phase::Calibrate;
  std::unique_ptr<Calibrator> calibrator_;
  std::shared_ptr<const Calibration> calibration_;

  // The kinds still to be made; the last one is next.
  std::vector<CodeKind> kinds_;
  std::vector<Candidate> candidates_;
  const Candidate* best_ = nullptr;
  uint32_t coded_ = 0;
  uint32_t toCode_ = 0;
  uint32_t compared_ = 0;
  double seconds_ = 0;
};

} // namespace vicinal
