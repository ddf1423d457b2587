#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <span>
#include <vector>

#include <lockstep/benchmark/allreduce.hpp>
#include <lockstep/metrics/step_timer.hpp>

namespace lockstep::benchmark {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMicrosecondsPerSecond = 1e6;
constexpr double kBytesPerGigabyte = 1e9;

/// Small whole numbers, so that sums are exact in any order.
float value_of(int rank, std::size_t index) {
  constexpr std::size_t kPeriod = 17;
  return static_cast<float>((index + static_cast<std::size_t>(rank)) % kPeriod);
}

std::int64_t count_wrong(std::span<const float> sums, int ranks) {
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    float expected = 0;
    for (int rank = 0; rank < ranks; ++rank) expected += value_of(rank, i);
    wrong += sums[i] == expected ? 0 : 1;
  }
  return wrong;
}

std::vector<double> time_iterations(comm::Communicator& communicator, std::span<const float> send,
                                    std::span<float> receive, const AllReduceOptions& options) {
  for (std::int64_t i = 0; i < options.warmup; ++i) communicator.all_reduce(send, receive).wait();
  communicator.barrier();
  std::vector<double> microseconds;
  microseconds.reserve(static_cast<std::size_t>(options.iterations));
  auto begin = Clock::now();
  for (std::int64_t i = 0; i < options.iterations; ++i) {
    communicator.all_reduce(send, receive).wait();
    const auto end = Clock::now();
    microseconds.push_back(std::chrono::duration<double>(end - begin).count() *
                           kMicrosecondsPerSecond);
    begin = end;
  }
  return microseconds;
}

}  // namespace

void measure_allreduce(comm::Communicator& communicator, comm::Communicator& control,
                       const AllReduceOptions& options,
                       const std::function<void(const AllReduceResult&)>& on_result) {
  const auto most = static_cast<std::size_t>(options.max_bytes) / sizeof(float);
  const auto send = communicator.allocate(most);
  const auto receive = communicator.allocate(most);
  for (std::size_t i = 0; i < most; ++i) send[i] = value_of(communicator.rank(), i);
  const double ranks = communicator.size();
  for (std::int64_t bytes = options.min_bytes; bytes <= options.max_bytes;
       bytes *= options.factor) {
    const auto count = static_cast<std::size_t>(bytes) / sizeof(float);
    const auto sums = receive.first(count);
    std::fill(sums.begin(), sums.end(), -1.0F);
    auto times = time_iterations(communicator, send.first(count), sums, options);
    const double total = std::accumulate(times.begin(), times.end(), 0.0);
    const std::int64_t wrong = options.check ? count_wrong(sums, communicator.size()) : 0;
    std::array<double, 3> shared = {total / static_cast<double>(times.size()),
                                    metrics::percentile(times, 50), static_cast<double>(wrong)};
    control.all_reduce(std::span<double>(shared)).wait();
    AllReduceResult result{.bytes = static_cast<std::int64_t>(count * sizeof(float)),
                           .count = static_cast<std::int64_t>(count),
                           .time_us = shared[0] / ranks,
                           .time_us_p50 = shared[1] / ranks,
                           .wrong = static_cast<std::int64_t>(shared[2])};
    const double seconds = result.time_us / kMicrosecondsPerSecond;
    result.algbw_gb_per_s = static_cast<double>(result.bytes) / seconds / kBytesPerGigabyte;
    result.busbw_gb_per_s = result.algbw_gb_per_s * 2 * (ranks - 1) / ranks;
    on_result(result);
  }
}

}  // namespace lockstep::benchmark
