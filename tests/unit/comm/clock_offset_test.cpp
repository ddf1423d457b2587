#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include <lockstep/comm/clock_offset.hpp>

namespace lockstep::comm {
namespace {

/// Barriers of two ranks that come and go at random; the second's clock is `offset` ahead.
std::pair<std::vector<BarrierTime>, std::vector<BarrierTime>> barriers(double offset, int count) {
  std::mt19937 random(1);
  std::exponential_distribution<double> delay(1e5);  // of 10 µs in the mean
  std::vector<BarrierTime> first;
  std::vector<BarrierTime> second;
  double now = 1000;
  for (int i = 0; i < count; ++i) {
    const double first_comes = now + delay(random);
    const double second_comes = now + delay(random);
    const double released = std::max(first_comes, second_comes);
    first.push_back({first_comes, released + delay(random)});
    second.push_back({second_comes + offset, released + delay(random) + offset});
    now = released + 1e-3;
  }
  return {first, second};
}

TEST(ClockOffset, LiesWithinItsUncertainty) {
  for (const double offset : {-3600.0, -0.5, 1e-3, 12345.678}) {
    const auto [other, mine] = barriers(offset, 40);
    const auto found = clock_offset(mine, other);
    EXPECT_LE(std::abs(found.seconds - offset), found.uncertainty + 1e-9) << offset;
    EXPECT_LT(found.uncertainty, 5e-6) << "forty barriers say more than that";
    EXPECT_GT(found.uncertainty, 0);
  }
}

TEST(ClockOffset, IsZeroWhereThatIsAllowed) {
  const auto [other, mine] = barriers(0, 40);
  EXPECT_EQ(clock_offset(mine, other).seconds, 0);
}

TEST(ClockOffset, MoreBarriersNeverSayLess) {
  const auto [other, mine] = barriers(7, 40);
  double before = 1;
  for (std::size_t count = 1; count <= mine.size(); ++count) {
    const auto found =
        clock_offset({mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(count)}, other);
    EXPECT_LE(found.uncertainty, before);
    before = found.uncertainty;
  }
}

}  // namespace
}  // namespace lockstep::comm
