#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/cuda_stream.hpp>

#include "expect_error.hpp"
#include "simulated_cuda.hpp"

namespace lockstep::runtime {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HostStream, GivesCopiesBackInOrder) {
  HostStream stream;
  const auto copies = stream.make_read_back(2, 2);
  std::vector<float> values = {1, 2};
  copies->start(values);
  values = {3, 4};
  copies->start(values);
  values = {0, 0};
  EXPECT_THAT(copies->take(), ElementsAre(1, 2));
  EXPECT_THAT(copies->take(), ElementsAre(3, 4));
}

class CudaStreamTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  std::shared_ptr<simulator::SimulatedCuda> cuda_ =
      std::make_shared<simulator::SimulatedCuda>(GetParam());
};

TEST_P(CudaStreamTest, GivesCopiesBackOnceTheyHaveRun) {
  {
    CudaStream stream(cuda_, 0, std::chrono::seconds(10));
    const auto copies = stream.make_read_back(3, 2);
    std::vector<float> device(3);
    for (int round = 0; round < 10; ++round) {
      for (int ahead = 0; ahead < 2; ++ahead) {
        stream.access({}, {std::as_bytes(std::span(device))});
        std::fill(device.begin(), device.end(), static_cast<float>(2 * round + ahead));
        copies->start(device);
      }
      EXPECT_THAT(copies->take(), Each(static_cast<float>(2 * round)));
      EXPECT_THAT(copies->take(), Each(static_cast<float>(2 * round + 1)));
    }
  }
  EXPECT_THAT(cuda_->findings(), IsEmpty());
  EXPECT_EQ(cuda_->live_objects(), 0U);
}

TEST_P(CudaStreamTest, AWaitThatFailsOrTakesTooLongSaysWhy) {
  CudaStream stream(cuda_, 0, std::chrono::milliseconds(100));
  const auto copies = stream.make_read_back(1, 1);
  cuda_->enqueue(stream.handle(), {}, {}, [] { return false; });  // a kernel that never ends
  const float value = 1;
  copies->start({&value, 1});
  tests::expect_error<RuntimeFailure>([&] { (void)copies->take(); },
                                      {"a step's totals", "0.1 s", "(collective_timeout)"});
  constexpr int kIllegalAddress = 700;
  cuda_->break_context(kIllegalAddress);
  tests::expect_error<RuntimeFailure>(
      [&] {
        copies->start({&value, 1});
      },
      {"copying a step's totals", "CUDA error 700", "nvidia-smi"});
}

INSTANTIATE_TEST_SUITE_P(Timings, CudaStreamTest, ::testing::Range<std::uint64_t>(0, 5));

}  // namespace
}  // namespace lockstep::runtime
