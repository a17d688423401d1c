// Rows of numbers, as the bench's files have them: count and dimension as int32, then the rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

constexpr size_t kNeighbours = 10;
constexpr size_t kM = 16;
constexpr size_t kEfConstruct = 200;

template <typename T> struct Matrix {
  int32_t count = 0;
  int32_t dim = 0;
  std::vector<T> data;
  const T* row(size_t at) const { return data.data() + at * size_t(dim); }
  T* row(size_t at) { return data.data() + at * size_t(dim); }
};

template <typename T> Matrix<T> readMatrix(const char* path) {
  std::ifstream file(path, std::ios::binary);
  Matrix<T> matrix;
  file.read(reinterpret_cast<char*>(&matrix.count), 4)
      .read(reinterpret_cast<char*>(&matrix.dim), 4);
  matrix.data.resize(size_t(matrix.count) * size_t(matrix.dim));
  file.read(reinterpret_cast<char*>(matrix.data.data()),
            std::streamsize(matrix.data.size() * sizeof(T)));
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path);
    std::exit(2);
  }
  return matrix;
}

struct Data {
  Matrix<float> base;
  Matrix<float> queries;
  Matrix<int32_t> truth;
  bool isCosine = false;
};

// How many of the ids are among the true neighbours of a query.
inline size_t hitsOf(const Data& data, size_t query, const uint64_t* ids) {
  const int32_t* const truth = data.truth.row(query);
  size_t hits = 0;
  for (size_t i = 0; i < kNeighbours; i++)
    hits += std::find(truth, truth + kNeighbours, int32_t(ids[i])) != truth + kNeighbours ? 1 : 0;
  return hits;
}
