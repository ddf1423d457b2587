#include <array>
#include <chrono>
#include <memory>
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

/// The two vectors, where the computation runs, and the measurements on them.
class Vectors {
 public:
  Vectors(comm::Communicator& communicator, const Place& place, std::size_t most)
      : communicator_(communicator),
        compute_(place.compute),
        device_(place.device),
        send_(communicator.allocate(most)),
        receive_(communicator.allocate(most)),
        arrived_(compute_.make_read_back(1, 1)) {
    std::vector<float> values(most);
    for (std::size_t i = 0; i < most; ++i) values[i] = value_of(communicator.rank(), i);
    compute_.access({}, {std::as_bytes(send_)});
    on_device(send_).copy_(
        torch::from_blob(values.data(), {static_cast<std::int64_t>(most)}, torch::kFloat32));
  }

  /// Microseconds per all-reduce, measured repeatedly. On a GPU each measurement covers several, so
  /// that the host's wait for them does not count.
  std::vector<double> time(std::size_t count, const AllReduceOptions& options) {
    constexpr std::int64_t kGroupOnGpu = 10;
    const std::int64_t group = compute_.runs_ahead() ? kGroupOnGpu : 1;
    compute_.access({}, {std::as_bytes(receive_)});
    on_device(receive_.first(count)).fill_(-1.0F);
    for (std::int64_t i = 0; i < options.warmup; ++i) run(count, 1);
    communicator_.barrier();
    std::vector<double> microseconds;
    microseconds.reserve(static_cast<std::size_t>(options.iterations));
    auto begin = Clock::now();
    for (std::int64_t i = 0; i < options.iterations; i += group) {
      run(count, group);
      const auto end = Clock::now();
      microseconds.push_back(std::chrono::duration<double>(end - begin).count() *
                             kMicrosecondsPerSecond / static_cast<double>(group));
      begin = end;
    }
    return microseconds;
  }

  [[nodiscard]] std::int64_t wrong_sums(std::size_t count) {
    compute_.access({std::as_bytes(receive_.first(count))}, {});
    const auto sums = on_device(receive_.first(count)).to(torch::kCPU);
    return count_wrong({sums.data_ptr<float>(), count}, communicator_.size());
  }

 private:
  [[nodiscard]] torch::Tensor on_device(std::span<float> floats) const {
    return torch::from_blob(floats.data(), {static_cast<std::int64_t>(floats.size())},
                            torch::TensorOptions(device_).dtype(torch::kFloat32));
  }
  void run(std::size_t count, std::int64_t times) {
    started_.clear();
    for (std::int64_t i = 0; i < times; ++i) {
      started_.push_back(communicator_.all_reduce(send_.first(count), receive_.first(count)));
    }
    // From the last one: on a GPU that covers the earlier ones.
    for (auto i = started_.size(); i-- > 0;) started_[i].wait();
    if (!compute_.runs_ahead()) return;
    arrived_->start(receive_.first(1));
    (void)arrived_->take();
  }

  comm::Communicator& communicator_;
  runtime::ComputeStream& compute_;
  torch::Device device_;
  std::span<float> send_;
  std::span<float> receive_;
  std::unique_ptr<runtime::ReadBack> arrived_;
  std::vector<comm::Completion> started_;
};

}  // namespace

void measure_allreduce(comm::Communicator& communicator, comm::Communicator& control,
                       const Place& place, const AllReduceOptions& options,
                       const std::function<void(const AllReduceResult&)>& on_result) {
  const auto most = static_cast<std::size_t>(options.max_bytes) / sizeof(float);
  Vectors vectors(communicator, place, most);
  const double ranks = communicator.size();
  for (std::int64_t bytes = options.min_bytes; bytes <= options.max_bytes;
       bytes *= options.factor) {
    const auto count = static_cast<std::size_t>(bytes) / sizeof(float);
    auto times = vectors.time(count, options);
    const double total = std::accumulate(times.begin(), times.end(), 0.0);
    const std::int64_t wrong = options.check ? vectors.wrong_sums(count) : 0;
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
