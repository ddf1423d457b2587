// The α–β model against times that are made by its formulas.
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

#include <lockstep/report/allreduce_model.hpp>

namespace lockstep::report {
namespace {

constexpr double kAlpha = 20;       // µs
constexpr double kBeta = 1.0 / 12;  // µs a byte: 100 Mbit/s

std::vector<AllReduceTime> times(const std::vector<int>& ranks,
                                 const std::function<double(int, double)>& microseconds) {
  std::vector<AllReduceTime> all;
  for (const int n : ranks) {
    for (std::int64_t bytes = 1024; bytes <= 1 << 24; bytes *= 4) {
      all.push_back({.ranks = n,
                     .bytes = bytes,
                     .microseconds = microseconds(n, static_cast<double>(bytes))});
    }
  }
  return all;
}

double ring(int n, double bytes) {
  return 2 * (n - 1) * kAlpha + 2.0 * (n - 1) / n * bytes * kBeta;
}
double doubling(int n, double bytes) {
  return std::ceil(std::log2(n)) * (kAlpha + bytes * kBeta);
}

TEST(AllReduceModel, WhatTwoRanksTakePredictsMoreByTheRingsFormula) {
  const auto model = fit_allreduce(times({2}, ring), false);
  ASSERT_TRUE(model);
  EXPECT_EQ(model->algorithm, AllReduceAlgorithm::kRing);
  EXPECT_NEAR(model->alpha_us, kAlpha, 1e-6);
  EXPECT_NEAR(model->gb_per_s(), 0.012, 1e-9);
  EXPECT_NEAR(model->microseconds(4, 2'680'000), ring(4, 2'680'000), 1e-3);
  EXPECT_EQ(model->microseconds(1, 2'680'000), 0);
  EXPECT_EQ(model->most_ranks, 2);
}

TEST(AllReduceModel, SeveralNumbersOfRanksTellTheAlgorithmsApart) {
  EXPECT_EQ(fit_allreduce(times({2, 4, 8}, ring), false)->algorithm, AllReduceAlgorithm::kRing);
  EXPECT_EQ(fit_allreduce(times({2, 4, 8}, doubling), false)->algorithm,
            AllReduceAlgorithm::kRecursiveDoubling);
  const auto rabenseifner = [](int n, double bytes) {
    return 2 * std::log2(n) * kAlpha + 2.0 * (n - 1) / n * bytes * kBeta;
  };
  EXPECT_EQ(fit_allreduce(times({2, 4, 8}, rabenseifner), false)->algorithm,
            AllReduceAlgorithm::kRabenseifner);
}

TEST(AllReduceModel, AWishIsGrantedAndInsideANodeMemoryIsShared) {
  const auto wanted =
      fit_allreduce(times({2, 4}, ring), false, AllReduceAlgorithm::kRecursiveDoubling);
  EXPECT_EQ(wanted->algorithm, AllReduceAlgorithm::kRecursiveDoubling);
  EXPECT_GT(wanted->worst_relative_error, 0.05);
  const auto shared = fit_allreduce(times({2, 4}, ring), true);
  EXPECT_EQ(shared->algorithm, AllReduceAlgorithm::kSharedMemory);
}

TEST(AllReduceModel, OneNumberOfRanksLeavesAllAlgorithmsOpen) {
  const auto of_two = times({2}, ring);
  const auto others = fit_alternatives(of_two, *fit_allreduce(of_two, false));
  ASSERT_EQ(others.size(), 3U);
  for (const auto& other : others) {
    EXPECT_NE(other.algorithm, AllReduceAlgorithm::kRing);
    EXPECT_LT(other.worst_relative_error, 1e-6) << algorithm_name(other.algorithm);
    EXPECT_GT(std::abs(other.microseconds(8, 1 << 10) / ring(8, 1 << 10) - 1), 0.1)
        << algorithm_name(other.algorithm);
  }
  const auto of_several = times({2, 4}, ring);
  EXPECT_TRUE(fit_alternatives(of_several, *fit_allreduce(of_several, false)).empty());
}

TEST(AllReduceModel, OneRankAloneSaysNothing) {
  EXPECT_FALSE(fit_allreduce(times({1}, [](int, double) { return 1.0; }), false));
  EXPECT_FALSE(fit_allreduce({}, false));
}

}  // namespace
}  // namespace lockstep::report
