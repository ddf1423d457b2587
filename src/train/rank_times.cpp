#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <lockstep/comm/gather.hpp>
#include <lockstep/train/rank_times.hpp>

namespace lockstep::train {
namespace {

constexpr std::array kPhases = {"data", "forward", "backward", "optimizer"};
using PhaseTimes = std::vector<double>;  // milliseconds, in that order

double sum(const PhaseTimes& times) {
  return std::accumulate(times.begin(), times.end(), 0.0);
}

/// The lower of two middle values.
double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

metrics::SlowestRank find_slowest_rank(const metrics::StepTimes& mine,
                                       comm::Communicator& communicator,
                                       const runtime::RankLayout& layout) {
  const PhaseTimes own = {mine.data.mean, mine.forward.mean, mine.backward.mean,
                          mine.optimizer.mean};
  const auto ranks = comm::gather_numbers(communicator, own);
  const auto slowest = std::max_element(
      ranks.begin(), ranks.end(), [](const auto& a, const auto& b) { return sum(a) < sum(b); });
  const auto median_of = [&](auto value) {
    std::vector<double> values;
    for (const auto& rank : ranks) values.push_back(value(rank));
    return median(std::move(values));
  };
  std::size_t worst = 0;
  double loss = -1;
  for (std::size_t phase = 0; phase < kPhases.size(); ++phase) {
    const double more =
        slowest->at(phase) - median_of([phase](const PhaseTimes& rank) { return rank.at(phase); });
    if (more > loss) loss = more, worst = phase;
  }
  const auto rank = static_cast<std::size_t>(slowest - ranks.begin());
  return {.rank = static_cast<int>(rank),
          .host = layout.hosts.at(rank),
          .phase = kPhases.at(worst),
          .busy_ms = sum(*slowest),
          .median_ms = median_of(sum)};
}

}  // namespace lockstep::train
