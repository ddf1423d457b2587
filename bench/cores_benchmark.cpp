// How far two cores are from each other, which bounds an all-reduce between ranks on them. A host
// may place a virtual machine's cores anew at any time.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include <lockstep/runtime/cpu_binding.hpp>

namespace {

using namespace lockstep;
using Clock = std::chrono::steady_clock;

/// A thread on another core that acts whenever it is asked to.
class OtherCore {
 public:
  OtherCore(int cpu, std::function<void()> act)
      : act_(std::move(act)), thread_([this, cpu] { serve(cpu); }) {}
  ~OtherCore() {
    asked_.store(kEnd, std::memory_order_release);
    thread_.join();
  }
  OtherCore(const OtherCore&) = delete;
  OtherCore& operator=(const OtherCore&) = delete;
  OtherCore(OtherCore&&) = delete;
  OtherCore& operator=(OtherCore&&) = delete;

  void act() {
    asked_.store(++turn_, std::memory_order_release);
    while (done_.load(std::memory_order_acquire) != turn_) continue;
  }

 private:
  static constexpr int kEnd = -1;
  static constexpr std::size_t kCacheLineBytes = 64;

  void serve(int cpu) {
    runtime::bind_to_cpus({cpu});
    for (int done = 0;;) {
      const int asked = asked_.load(std::memory_order_acquire);
      if (asked == kEnd) return;
      if (asked == done) continue;
      act_();
      done_.store(done = asked, std::memory_order_release);
    }
  }

  alignas(kCacheLineBytes) std::atomic<int> asked_ = 0;
  alignas(kCacheLineBytes) std::atomic<int> done_ = 0;
  int turn_ = 0;
  std::function<void()> act_;
  std::thread thread_;
};

/// Binds this thread to the first core of the machine, and names the last. In the end it may run
/// where it could before, on one thread of each core.
class TwoCores {
 public:
  explicit TwoCores(benchmark::State& state) : topology_(runtime::read_cpu_topology()) {
    if (topology_.available.size() < 2) state.SkipWithError("needs two cores");
    runtime::bind_to_cpus({topology_.available.front()});
  }
  ~TwoCores() { runtime::bind_to_cpus(topology_.bound); }
  TwoCores(const TwoCores&) = delete;
  TwoCores& operator=(const TwoCores&) = delete;
  TwoCores(TwoCores&&) = delete;
  TwoCores& operator=(TwoCores&&) = delete;

  [[nodiscard]] int other() const { return topology_.available.back(); }

 private:
  runtime::CpuTopology topology_;
};

/// A word written by one core and seen by another, and its answer: twice the way.
void cores_signal_and_answer(benchmark::State& state) {
  const TwoCores cores(state);
  OtherCore other(cores.other(), [] {});
  for ([[maybe_unused]] auto _ : state) other.act();
}
BENCHMARK(cores_signal_and_answer);

/// Reading 1.34 MB that another core has just written: half of the tutorial model's gradients.
void cores_read_what_another_wrote(benchmark::State& state) {
  const TwoCores cores(state);
  std::array<float, 256> block{};  // stays in the first-level cache: reading is what takes time
  std::vector<float> values(1308 * block.size());
  OtherCore other(cores.other(), [&values] { std::iota(values.begin(), values.end(), 1.0F); });
  for ([[maybe_unused]] auto _ : state) {
    other.act();
    const auto begin = Clock::now();
    for (std::size_t i = 0; i + block.size() <= values.size(); i += block.size()) {
      std::copy_n(&values[i], block.size(), block.begin());
      benchmark::DoNotOptimize(block.data());
    }
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(values.size() * sizeof(float)));
}
BENCHMARK(cores_read_what_another_wrote)
    ->UseManualTime()
    ->Iterations(200)
    ->Repetitions(9)
    ->ReportAggregatesOnly();

}  // namespace
