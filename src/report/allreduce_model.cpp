#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <lockstep/report/allreduce_model.hpp>
#include <lockstep/report/statistics.hpp>

namespace lockstep::report {
namespace {

constexpr std::array kNames = {
    std::pair{AllReduceAlgorithm::kRing, "ring"},
    std::pair{AllReduceAlgorithm::kRecursiveDoubling, "recursive-doubling"},
    std::pair{AllReduceAlgorithm::kRabenseifner, "rabenseifner"},
    std::pair{AllReduceAlgorithm::kSharedMemory, "shared-memory"}};

struct Work {
  double messages = 0;
  double vectors = 0;  ///< bytes moved, as a multiple of the vector
};

Work work_of(AllReduceAlgorithm algorithm, int ranks) {
  const double n = ranks;
  const double rounds = std::ceil(std::log2(n));
  switch (algorithm) {
    case AllReduceAlgorithm::kRing:
      return {2 * (n - 1), 2 * (n - 1) / n};
    case AllReduceAlgorithm::kRecursiveDoubling:
      return {rounds, rounds};
    case AllReduceAlgorithm::kRabenseifner:
      return {2 * rounds, 2 * (n - 1) / n};
    case AllReduceAlgorithm::kSharedMemory:
      return {2, n + 1};
  }
  return {};
}

AllReduceModel fit(const std::vector<AllReduceTime>& times, AllReduceAlgorithm algorithm) {
  std::vector<double> messages;
  std::vector<double> bytes;
  std::vector<double> microseconds;
  for (const auto& time : times) {
    const auto work = work_of(algorithm, time.ranks);
    messages.push_back(work.messages);
    bytes.push_back(work.vectors * static_cast<double>(time.bytes));
    microseconds.push_back(time.microseconds);
  }
  const auto plane = fit_plane(messages, bytes, microseconds);
  const auto [fewest, most] = std::minmax_element(
      times.begin(), times.end(), [](const auto& a, const auto& b) { return a.ranks < b.ranks; });
  const auto [smallest, largest] = std::minmax_element(
      times.begin(), times.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  return {.algorithm = algorithm,
          .alpha_us = plane.a,
          .beta_us_per_byte = plane.b,
          .worst_relative_error = plane.worst_relative_error,
          .least_ranks = fewest->ranks,
          .most_ranks = most->ranks,
          .least_bytes = smallest->bytes,
          .most_bytes = largest->bytes};
}

std::vector<AllReduceTime> usable(const std::vector<AllReduceTime>& times) {
  std::vector<AllReduceTime> of_several;
  std::copy_if(times.begin(), times.end(), std::back_inserter(of_several),
               [](const auto& time) { return time.ranks > 1 && time.microseconds > 0; });
  return of_several;
}

}  // namespace

std::string algorithm_name(AllReduceAlgorithm algorithm) {
  for (const auto& [value, name] : kNames) {
    if (value == algorithm) return name;
  }
  return {};
}

double AllReduceModel::microseconds(int ranks, std::int64_t bytes) const {
  if (ranks < 2) return 0;
  const auto work = work_of(algorithm, ranks);
  return alpha_us * work.messages + beta_us_per_byte * work.vectors * static_cast<double>(bytes);
}

double AllReduceModel::gb_per_s() const {
  constexpr double kBytesPerMicrosecondInGb = 1e-3;
  return beta_us_per_byte > 0 ? kBytesPerMicrosecondInGb / beta_us_per_byte : 0;
}

std::optional<AllReduceModel> fit_allreduce(const std::vector<AllReduceTime>& times, bool one_node,
                                            std::optional<AllReduceAlgorithm> wanted) {
  const auto of_several = usable(times);
  if (of_several.empty()) return {};
  if (wanted) return fit(of_several, *wanted);
  if (one_node) return fit(of_several, AllReduceAlgorithm::kSharedMemory);
  auto best = fit(of_several, AllReduceAlgorithm::kRing);
  if (best.is_of_one_number_of_ranks()) return best;
  for (const auto other :
       {AllReduceAlgorithm::kRecursiveDoubling, AllReduceAlgorithm::kRabenseifner}) {
    const auto model = fit(of_several, other);
    if (model.worst_relative_error < best.worst_relative_error) best = model;
  }
  return best;
}

std::vector<AllReduceModel> fit_alternatives(const std::vector<AllReduceTime>& times,
                                             const AllReduceModel& chosen) {
  std::vector<AllReduceModel> others;
  if (!chosen.is_of_one_number_of_ranks()) return others;
  const auto of_several = usable(times);
  for (const auto& [algorithm, name] : kNames) {
    if (algorithm != chosen.algorithm) others.push_back(fit(of_several, algorithm));
  }
  return others;
}

}  // namespace lockstep::report
