#include <algorithm>
#include <chrono>
#include <limits>

#include <lockstep/comm/clock_offset.hpp>
#include <lockstep/comm/gather.hpp>

namespace lockstep::comm {
namespace {

constexpr int kBarriers = 40;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<BarrierTime> times_of(const std::vector<double>& numbers) {
  std::vector<BarrierTime> times;
  for (std::size_t i = 0; i + 1 < numbers.size(); i += 2) {
    times.push_back({numbers[i], numbers[i + 1]});
  }
  return times;
}

}  // namespace

ClockOffset clock_offset(const std::vector<BarrierTime>& mine,
                         const std::vector<BarrierTime>& other) {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < mine.size(); ++i) {
    least = std::max(least, mine[i].before - other[i].after);
    most = std::min(most, mine[i].after - other[i].before);
  }
  const double uncertainty = (most - least) / 2;
  if (least <= 0 && most >= 0) return {0, uncertainty};
  return {(least + most) / 2, uncertainty};
}

ClockOffset measure_clock_offset(Communicator& communicator) {
  std::vector<double> mine;
  for (int i = 0; i < kBarriers; ++i) {
    mine.push_back(now_seconds());
    communicator.barrier();
    mine.push_back(now_seconds());
  }
  const auto all = gather_numbers(communicator, mine);
  return clock_offset(times_of(mine), times_of(all.front()));
}

}  // namespace lockstep::comm
