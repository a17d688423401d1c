// The zoo: data sets that are hard to keep a promise on, each made of real rows
// where that can be.
//
// Every kind has stored rows and queries that are not stored. Rows and queries
// are made from the word vectors of the bench (or from gaussian rows, where the
// command is given none), by a fixed seed.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "distance/metric.hpp"
#include "matrix.hpp"
#include "random.hpp"

struct Animal {
  std::string name;
  vicinal::Metric metric = vicinal::Metric::L2;
  Matrix<float> base;
  // Queries of each kind are measured by themselves.
  struct Asked {
    std::string name;
    Matrix<float> queries;
  };
  std::vector<Asked> asked;
};

inline Matrix<float> emptyMatrix(size_t count, size_t dim) {
  return {int32_t(count), int32_t(dim), std::vector<float>(count * dim)};
}

// Makes kinds of so many rows and queries out of source rows, all of unit
// length. Source rows that queries are made of are not among those that stored
// rows are made of.
class ZooKeeper {
public:
  ZooKeeper(const Matrix<float>& source, const Matrix<float>& heldOut, size_t rows, size_t queries)
      : source_(source), heldOut_(heldOut), rows_(rows), queries_(queries) {}

  static std::vector<std::string> names();
  Animal make(const std::string& name);

private:
  using Shape = std::function<void(const float* word, float* row)>;

  size_t dim() const { return size_t(source_.dim); }
  Matrix<float> shaped(const Matrix<float>& words, size_t count, size_t dim, const Shape& shape);
  // Rows of the words, queries of the words held out.
  Animal each(const std::string& name, vicinal::Metric metric, size_t dim, const Shape& shape);
  void addNoise(const float* word, float* row, float share);
  Animal twins(size_t copies, float noise);
  Animal bent(const std::string& name, vicinal::Metric metric, size_t dim, float mean,
              float bend = 1);
  Animal clusters();
  Animal mixture();
  Animal gaussian(size_t dim);

  const Matrix<float>& source_;
  const Matrix<float>& heldOut_;
  size_t rows_;
  size_t queries_;
  Random random_{20'260};
};

inline std::vector<std::string> ZooKeeper::names() {
  return {"words",        "twins 2",       "twins 4",    "twins 8",  "twins 12",
          "twice",        "large mean L2", "large mean", "clusters", "binary",
          "2 dimensions", "25 dimensions", "1536",       "3072",     "norms of five decades",
          "Manhattan",    "mixture",       "gaussian 64"};
}

inline Matrix<float> ZooKeeper::shaped(const Matrix<float>& words, size_t count, size_t dim,
                                       const Shape& shape) {
  Matrix<float> made = emptyMatrix(count, dim);
  for (size_t at = 0; at < count; at++) shape(words.row(at % size_t(words.count)), made.row(at));
  return made;
}

inline Animal ZooKeeper::each(const std::string& name, vicinal::Metric metric, size_t dim,
                              const Shape& shape) {
  const size_t rows = std::min(rows_, size_t(source_.count));
  return {name,
          metric,
          shaped(source_, rows, dim, shape),
          {{"held out", shaped(heldOut_, queries_, dim, shape)}}};
}

// Noise of about this share of the word's length.
inline void ZooKeeper::addNoise(const float* word, float* row, float share) {
  const float each = share / std::sqrt(float(dim()));
  for (size_t i = 0; i < dim(); i++) row[i] = word[i] + each * random_.gaussian();
}

// Every word so many times. Asked are words of which none is stored, and one
// more of those that are.
inline Animal ZooKeeper::twins(size_t copies, float noise) {
  const size_t groups = std::min(rows_ / copies, size_t(source_.count));
  Matrix<float> base = emptyMatrix(groups * copies, dim());
  std::vector<size_t> order(groups * copies);
  for (size_t at = 0; at < order.size(); at++) order[at] = at;
  for (size_t at = order.size(); at > 1; at--) std::swap(order[at - 1], order[random_.next() % at]);
  for (size_t at = 0; at < order.size(); at++)
    addNoise(source_.row(order[at] / copies), base.row(at), noise);
  const Shape copied = [&](const float* word, float* row) { addNoise(word, row, noise); };
  const Shape another = [&](const float*, float* row) {
    addNoise(source_.row(random_.next() % groups), row, std::max(noise, 0.02f));
  };
  return {noise == 0 ? "twice" : "twins " + std::to_string(copies),
          vicinal::Metric::Cosine,
          std::move(base),
          {{"held out", shaped(heldOut_, queries_, dim(), copied)},
           {"another twin", shaped(heldOut_, queries_, dim(), another)}}};
}

// Of so many dimensions, as a layer of a network makes them, and about a mean
// that all have.
inline Animal ZooKeeper::bent(const std::string& name, vicinal::Metric metric, size_t dim,
                              float mean, float bend) {
  std::vector<float> weights(dim * this->dim());
  for (float& weight : weights) weight = bend * random_.gaussian();
  std::vector<float> common(dim);
  for (float& value : common) value = mean * random_.gaussian();
  const size_t from = this->dim();
  return each(name, metric, dim, [=](const float* word, float* row) {
    for (size_t i = 0; i < dim; i++) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (size_t j = 0; j < from; j++) sum += weights[i * from + j] * word[j];
      row[i] = std::tanh(sum) + common[i];
    }
  });
}

// Fifty rows within a fiftieth of the length about each of some words.
inline Animal ZooKeeper::clusters() {
  constexpr size_t kRowsEach = 50;
  const size_t centres = std::min(rows_ / kRowsEach, size_t(source_.count));
  const Shape drawn = [&](const float*, float* row) {
    addNoise(source_.row(random_.next() % centres), row, 0.02f);
  };
  const Shape between = [&](const float* word, float* row) { std::copy_n(word, dim(), row); };
  return {"clusters",
          vicinal::Metric::L2,
          shaped(source_, rows_, dim(), drawn),
          {{"within", shaped(heldOut_, queries_, dim(), drawn)},
           {"between", shaped(heldOut_, queries_, dim(), between)}}};
}

// Half of it easy, tight clusters, and half hard: gaussian rows.
inline Animal ZooKeeper::mixture() {
  constexpr size_t kRowsEach = 50;
  const size_t centres = std::max<size_t>(1, rows_ / 2 / kRowsEach);
  const Shape drawn = [&](const float*, float* row) {
    if (random_.next() % 2 == 0) {
      addNoise(source_.row(random_.next() % centres), row, 0.1f);
      return;
    }
    for (size_t i = 0; i < dim(); i++) row[i] = random_.gaussian() / std::sqrt(float(dim()));
  };
  return {"mixture",
          vicinal::Metric::L2,
          shaped(source_, rows_, dim(), drawn),
          {{"held out", shaped(heldOut_, queries_, dim(), drawn)}}};
}

inline Animal ZooKeeper::gaussian(size_t dim) {
  const Shape drawn = [&](const float*, float* row) {
    for (size_t i = 0; i < dim; i++) row[i] = random_.gaussian();
  };
  return {"gaussian " + std::to_string(dim),
          vicinal::Metric::L2,
          shaped(source_, rows_, dim, drawn),
          {{"held out", shaped(heldOut_, queries_, dim, drawn)}}};
}

inline Animal ZooKeeper::make(const std::string& name) {
  using vicinal::Metric;
  const auto startOf = [](size_t dim) {
    return [dim](const float* word, float* row) { std::copy_n(word, dim, row); };
  };
  if (name.starts_with("twins ")) return twins(std::stoul(name.substr(6)), 0.05f);
  if (name == "twice") return twins(2, 0);
  if (name == "large mean L2") return bent(name, Metric::L2, 512, 10, 4);
  if (name == "large mean") return bent(name, Metric::Cosine, 512, 3);
  if (name == "clusters") return clusters();
  if (name == "binary")
    return each(name, Metric::L2, dim(), [this](const float* word, float* row) {
      for (size_t i = 0; i < dim(); i++) row[i] = word[i] > 0 ? 1 : 0;
    });
  if (name.ends_with(" dimensions")) {
    const size_t few = std::stoul(name);
    return each(name, Metric::L2, few, startOf(few));
  }
  if (name == "1536" || name == "3072") return bent(name, Metric::Cosine, std::stoul(name), 0.1f);
  if (name == "norms of five decades") {
    Animal animal = each(name, Metric::Dot, dim(), [this](const float* word, float* row) {
      const auto norm = float(std::pow(10, 5 * random_.uniform() - 2.5));
      for (size_t i = 0; i < dim(); i++) row[i] = norm * word[i];
    });
    return animal;
  }
  if (name == "Manhattan") return each(name, Metric::L1, dim(), startOf(dim()));
  if (name == "mixture") return mixture();
  if (name.starts_with("gaussian ")) return gaussian(std::stoul(name.substr(9)));
  return each(name, Metric::Cosine, dim(), startOf(dim()));
}
