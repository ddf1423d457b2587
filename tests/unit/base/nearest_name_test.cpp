#include <vector>

#include <gtest/gtest.h>

#include <lockstep/base/nearest_name.hpp>

namespace lockstep {
namespace {

const std::vector<std::string> kNames = {"epochs", "batch-size", "global-batch-size", "lr"};

TEST(NearestName, FindsWhatWasMeant) {
  EXPECT_EQ(nearest_name("epoch", kNames), "epochs");
  EXPECT_EQ(nearest_name("epohcs", kNames), "epochs");
  EXPECT_EQ(nearest_name("batchsize", kNames), "batch-size");
  EXPECT_EQ(nearest_name("global_batch_size", kNames), "global-batch-size");
  EXPECT_EQ(nearest_name("lr", kNames), "lr");
}

TEST(NearestName, DoesNotGuessWildly) {
  EXPECT_EQ(nearest_name("verbosity", kNames), std::nullopt);
  EXPECT_EQ(nearest_name("epochs", {}), std::nullopt);
}

}  // namespace
}  // namespace lockstep
