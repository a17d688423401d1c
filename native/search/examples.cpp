#include "search/examples.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace vicinal {

namespace {

// Between -1 and 1, rising with x.
float sigmoid(float x) { return x / (1 + std::fabs(x)); }

// Between 0 and 1.
float scaledSigmoid(float x) { return 0.5f * (sigmoid(x) + 1); }

// The similarities of one point to the examples.
struct Similarities {
  const float* distances;
  size_t stride;
  float operator[](size_t at) const { return -distances[at * stride]; }
};

float bestScore(const Similarities& similarity, size_t positives, size_t count) {
  float positive = -INFINITY, negative = -INFINITY;
  for (size_t at = 0; at < positives; at++) positive = std::max(positive, similarity[at]);
  for (size_t at = positives; at < count; at++) negative = std::max(negative, similarity[at]);
  return positive > negative ? scaledSigmoid(positive) : -scaledSigmoid(negative);
}

float sumScores(const Similarities& similarity, size_t positives, size_t count) {
  float positive = 0, negative = 0;
  for (size_t at = 0; at < positives; at++) positive += similarity[at];
  for (size_t at = positives; at < count; at++) negative += similarity[at];
  return positive - negative;
}

float discover(const Similarities& similarity, size_t count) {
  int rank = 0;
  for (size_t at = 1; at + 1 < count; at += 2)
    rank += int(similarity[at] > similarity[at + 1]) - int(similarity[at] < similarity[at + 1]);
  return static_cast<float>(rank) + scaledSigmoid(similarity[0]);
}

float context(const Similarities& similarity, size_t count) {
  float score = 0;
  for (size_t at = 0; at + 1 < count; at += 2)
    score += sigmoid(std::min(similarity[at] - similarity[at + 1] - FLT_EPSILON, 0.0f));
  return score;
}

float feedback(const Similarities& similarity, const std::vector<float>& weights) {
  float score = 0;
  for (size_t at = 0; at < weights.size(); at++) score += weights[at] * similarity[at];
  return score;
}

} // namespace

bool Combination::isWellFormed() const {
  switch (combine) {
  case Combine::BestScore:
  case Combine::SumScores: return count > 0 && positives <= count;
  case Combine::Discover: return count % 2 == 1;
  case Combine::Context: return count % 2 == 0;
  case Combine::Feedback: return count > 0 && weights.size() == count;
  }
  return false;
}

float Combination::distanceOf(const float* distances, size_t stride) const {
  const Similarities similarity{distances, stride};
  float score = 0;
  switch (combine) {
  case Combine::BestScore: score = bestScore(similarity, positives, count); break;
  case Combine::SumScores: score = sumScores(similarity, positives, count); break;
  case Combine::Discover: score = discover(similarity, count); break;
  case Combine::Context: score = context(similarity, count); break;
  case Combine::Feedback: score = feedback(similarity, weights); break;
  }
  // A sum of great numbers may be NaN.
  if (std::isnan(score)) return FLT_MAX;
  return std::clamp(-score, -FLT_MAX, FLT_MAX);
}

} // namespace vicinal
