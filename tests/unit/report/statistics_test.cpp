// Medians, their intervals and least squares, against published tables and exact lines.
#include <cmath>

#include <gtest/gtest.h>

#include <lockstep/report/statistics.hpp>

namespace lockstep::report {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values;
  for (int i = n; i >= 1; --i) values.push_back(i);
  return values;
}

TEST(Estimate, FewValuesGiveTheirWholeRange) {
  const auto single = estimate({3});
  EXPECT_EQ(single.median, 3);
  EXPECT_EQ(single.confidence, 0);
  const auto five = estimate(one_to(5));
  EXPECT_EQ(five.median, 3);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 5);
  EXPECT_DOUBLE_EQ(five.confidence, 1 - 2 * std::pow(0.5, 5));
  EXPECT_DOUBLE_EQ(estimate({1, 2, 4, 9}).median, 3);
}

// Conover, Practical Nonparametric Statistics, and any table of the sign test: n, the ranks of the
// interval's ends, its confidence.
TEST(Estimate, ManyValuesGiveTheIntervalOfTheTables) {
  struct Row {
    int n;
    double low;
    double high;
    double confidence;
  };
  for (const auto& row : {Row{6, 1, 6, 0.969}, Row{9, 2, 8, 0.961}, Row{12, 3, 10, 0.961},
                          Row{20, 6, 15, 0.959}, Row{25, 8, 18, 0.957}}) {
    const auto found = estimate(one_to(row.n));
    EXPECT_EQ(found.low, row.low) << row.n;
    EXPECT_EQ(found.high, row.high) << row.n;
    EXPECT_NEAR(found.confidence, row.confidence, 5e-4) << row.n;
  }
}

TEST(FitLine, FindsTheLineThatThePointsLieOn) {
  const auto line = fit_line({1, 2, 64, 1000}, {2.5, 3, 34, 502});
  EXPECT_NEAR(line.intercept, 2, 1e-9);
  EXPECT_NEAR(line.slope, 0.5, 1e-12);
  EXPECT_NEAR(line.worst_relative_error, 0, 1e-9);
  EXPECT_NEAR(line.at(10), 7, 1e-9);
}

TEST(FitLine, HasNoNegativePart) {
  const auto line = fit_line({1, 2, 3}, {1, 3, 5});  // y = 2x − 1
  EXPECT_EQ(line.intercept, 0);
  EXPECT_GT(line.slope, 1);
  EXPECT_GT(line.worst_relative_error, 0.1);
  const auto falling = fit_line({1, 2, 3}, {3, 2, 1});
  EXPECT_EQ(falling.slope, 0);
  EXPECT_GT(falling.intercept, 1);
  EXPECT_LT(falling.intercept, 3);
}

TEST(FitLine, OfOnePointGoesThroughIt) {
  EXPECT_NEAR(fit_line({64}, {3}).at(64), 3, 1e-9);
}

// The errors that count are relative: the large value alone would win by plain least squares.
TEST(FitPlane, WeighsSmallAndLargeValuesAlike) {
  const auto plane = fit_plane({1, 1, 1, 1}, {0, 0, 1e6, 1e6}, {0.9, 1.1, 0.9e6, 1.1e6});
  EXPECT_NEAR(plane.a, 1, 0.02);
  EXPECT_NEAR(plane.b, 1, 0.02);
}

}  // namespace
}  // namespace lockstep::report
