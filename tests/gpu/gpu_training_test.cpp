// Training, all-reduce and precision on real devices, against the CPU.
#include <cstdlib>
#include <span>
#include <string>

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAFunctions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/benchmark/allreduce.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/cuda_devices.hpp>
#include <lockstep/session/compute.hpp>

#include "small_training.hpp"

namespace lockstep {
namespace {

using tests::SmallResult;

class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto system = runtime::query_cuda_system();
    const char* shared = std::getenv(runtime::kNcclMultiRankVariable);
    const bool may_share = shared != nullptr && std::string(shared) == "1";
    const auto devices = static_cast<int>(system.devices.size());
    if (devices == 0) GTEST_SKIP() << "SKIPPED: no device: " << system.trouble;
    if (layout_.local_size > devices && !may_share) {
      GTEST_SKIP() << "SKIPPED: " << layout_.local_size << " ranks and " << devices << " devices";
    }
    index_ = layout_.local_rank % devices;
    gpu_ = session::compute_on_gpu(index_, std::chrono::seconds(60));
    control_ = comm::make_communicator({.node_shared = false}, layout_);
    gradients_ = comm::make_communicator({.progress_thread = true, .gpu = gpu_.get()}, layout_);
  }
  void TearDown() override {
    if (gradients_) gradients_->close();
  }

  [[nodiscard]] torch::Device device() const {
    return {torch::kCUDA, static_cast<torch::DeviceIndex>(index_)};
  }
  SmallResult on_gpu(const train::TrainOptions& options, metrics::EventSink& events) {
    return tests::train_small(options, *control_, *gradients_, *gpu_, device(), events);
  }
  SmallResult on_cpu(const train::TrainOptions& options) {
    runtime::HostStream host;
    tests::NoEvents events;
    const auto gradients = comm::make_communicator({}, layout_);
    return tests::train_small(options, *control_, *gradients, host, torch::kCPU, events);
  }

  runtime::RankLayout layout_ = runtime::discover_rank_layout();
  int index_ = 0;
  std::unique_ptr<runtime::CudaStream> gpu_;
  std::unique_ptr<comm::Communicator> control_;
  std::unique_ptr<comm::Communicator> gradients_;
};

TEST_F(GpuTest, TrainsAsTheCpuDoes) {
  tests::NoEvents events;
  const auto gpu = on_gpu(tests::small_run(), events);
  const auto cpu = on_cpu(tests::small_run());
  EXPECT_TRUE(gpu.weights.allclose(cpu.weights, 1e-3, 1e-5))
      << "largest difference " << (gpu.weights - cpu.weights).abs().max().item<float>();
  EXPECT_NEAR(gpu.test.average_loss, cpu.test.average_loss, 1e-3);
}

train::TrainOptions augmented_run() {
  auto options = tests::small_run();
  options.data.augmentation = {.flip = true, .crop = 3};
  return options;
}

TEST_F(GpuTest, AugmentsAsTheCpuDoes) {
  tests::NoEvents events;
  const auto gpu = on_gpu(augmented_run(), events);
  const auto cpu = on_cpu(augmented_run());
  EXPECT_TRUE(gpu.weights.allclose(cpu.weights, 1e-3, 1e-5))
      << "largest difference " << (gpu.weights - cpu.weights).abs().max().item<float>();
  EXPECT_FALSE(gpu.weights.allclose(on_cpu(tests::small_run()).weights, 1e-3, 1e-5));
}

TEST_F(GpuTest, TheSameRunTwiceGivesTheSameBits) {
  tests::NoEvents events;
  EXPECT_EQ(on_gpu(tests::small_run(), events).digest, on_gpu(tests::small_run(), events).digest);
}

TEST_F(GpuTest, AllRanksEndUpWithTheSameBits) {
  tests::NoEvents events;
  const auto mine = on_gpu(tests::small_run(), events).digest;
  auto of_rank_0 = mine;
  control_->broadcast(std::as_writable_bytes(std::span(of_rank_0)), 0).wait();
  EXPECT_EQ(mine, of_rank_0);
}

TEST_F(GpuTest, TrainsInBfloat16) {
  tests::NoEvents events;
  auto options = tests::small_run();
  const auto exact = on_gpu(options, events);
  options.optimization.precision = model::Precision::kBf16;
  const auto rounded = on_gpu(options, events);
  EXPECT_NE(rounded.digest, exact.digest);
  EXPECT_TRUE(rounded.weights.allclose(exact.weights, 0.1, 0.02));
}

/// From the second step to the end of each epoch, LibTorch fails on anything that makes the host
/// wait for the device. (The first step makes what later ones use again.)
class NoSynchronization final : public metrics::EventSink {
 public:
  using EventSink::on;
  void on(const metrics::TrainStep&) override {
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
    ++steps;
  }
  void on(const metrics::EpochEnd&) override {
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  }
  int steps = 0;
};

TEST_F(GpuTest, TheHostWaitsForNothingInsideAStep) {
  NoSynchronization events;
  (void)on_gpu(tests::small_run(), events);
  (void)on_gpu(augmented_run(), events);
  EXPECT_GT(events.steps, 4);
}

TEST_F(GpuTest, AllReduceGivesNoWrongSum) {
  std::int64_t sizes = 0;
  benchmark::measure_allreduce(*gradients_, *control_, {.compute = *gpu_, .device = device()},
                               {.min_bytes = 4, .max_bytes = 1 << 24, .factor = 8},
                               [&](const benchmark::AllReduceResult& result) {
                                 EXPECT_EQ(result.wrong, 0) << result.bytes;
                                 ++sizes;
                               });
  EXPECT_GT(sizes, 5);
}

}  // namespace
}  // namespace lockstep
