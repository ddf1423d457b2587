// The tester tested: what nothing orders is found, what is ordered is not.
#include "race_check.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RaceCheckTest : public ::testing::Test {
 protected:
  RaceCheck check_;
  std::size_t first_ = check_.add_actor("first");
  std::size_t second_ = check_.add_actor("second");
  std::array<std::byte, 100> memory_{};
  std::span<const std::byte> all_ = memory_;
};

TEST_F(RaceCheckTest, FindsReadsAndWritesThatNothingOrders) {
  check_.access(first_, all_, true);
  check_.access(second_, all_.subspan(99), false);
  EXPECT_THAT(check_.races(), ElementsAre(HasSubstr("second reads what first writes")));
  check_.join(second_, check_.clock(first_));
  check_.access(second_, all_, true);
  EXPECT_EQ(check_.races().size(), 1U);
  check_.access(first_, all_.first(1), false);
  EXPECT_EQ(check_.races().size(), 2U) << "first does not know of second's write";
}

TEST_F(RaceCheckTest, ReadsDoNotConflictNorDoNeighbours) {
  check_.access(first_, all_.first(50), true);
  check_.access(second_, all_.subspan(50), true);
  check_.join(first_, check_.clock(second_));
  check_.access(first_, all_, false);
  check_.access(RaceCheck::kHost, {}, true);
  EXPECT_THAT(check_.races(), IsEmpty());
}

TEST_F(RaceCheckTest, AJoinOrdersOnlyWhatCameBeforeIt) {
  check_.access(first_, all_, true);
  const auto recorded = check_.clock(first_);
  check_.access(first_, all_, true);
  check_.join(second_, recorded);
  check_.access(second_, all_, false);
  EXPECT_EQ(check_.races().size(), 1U);
}

TEST_F(RaceCheckTest, OrderPassesOnThroughOthers) {
  check_.access(first_, all_, true);
  check_.join(RaceCheck::kHost, check_.clock(first_));
  check_.join(second_, check_.clock(RaceCheck::kHost));
  check_.access(second_, all_, true);
  EXPECT_THAT(check_.races(), IsEmpty());
}

TEST_F(RaceCheckTest, MemoryGivenBackIsForgotten) {
  check_.access(first_, all_, true);
  check_.forget(all_);
  check_.access(second_, all_, true);
  EXPECT_THAT(check_.races(), IsEmpty());
}

}  // namespace
}  // namespace lockstep::simulator
