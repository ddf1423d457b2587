// Accuracies that others have published, or that our own documents promise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::SizeIs;

std::vector<nlohmann::json> test_figures_of(int ranks, const std::string& options) {
  const TemporaryFolder folder;
  const auto run = folder / "run";
  const auto outcome =
      run_program({.arguments = words("train --output-dir " + run.string() + " " + options),
                   .ranks = ranks,
                   .timeout_seconds = 500});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  return read_events(run, "test");
}

// The tutorial's page: 65.2 % after five epochs.
TEST(PublishedFigures, TheDefaultRunReachesTheTutorials) {
  const auto tests = test_figures_of(0, "--epochs 5 --shuffle off");
  ASSERT_THAT(tests, SizeIs(5));
  EXPECT_NEAR(tests[0]["accuracy"], 0.50, 0.05);
  EXPECT_NEAR(tests[4]["accuracy"], 0.65, 0.05);
}

TEST(PublishedFigures, TheRecipeReachesItsAccuracy) {
  const auto tests =
      test_figures_of(2, "--config " LOCKSTEP_RECIPES "/high-accuracy.conf --evaluate-every 15");
  ASSERT_THAT(tests, SizeIs(1));
  EXPECT_GE(tests[0]["accuracy"], 0.895);
}

}  // namespace
}  // namespace lockstep::tests
