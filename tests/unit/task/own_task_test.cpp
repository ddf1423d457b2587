#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/tensor_source.hpp>
#include <lockstep/model/wrap.hpp>
#include <lockstep/task/own_task.hpp>

#include "expect_error.hpp"

namespace lockstep::task {
namespace {

TaskParts parts() {
  return {.name = "sums",
          .data =
              [] {
                const data::Samples samples{torch::ones({4, 2}), torch::arange(4)};
                return data::make_tensor_source(samples, samples);
              },
          .network =
              [](const data::SampleSpec& spec) {
                return model::wrap(torch::nn::Sequential(
                    torch::nn::Linear(spec.input.elements(), spec.outputs())));
              }};
}

TEST(OwnTask, IsMadeOfItsParts) {
  const auto task = make_factory(parts())();
  EXPECT_EQ(describe(*task).dump(), R"({"name":"sums","configuration":{}})");
  const auto network = task->make_network(task->open_data()->shape().spec());
  EXPECT_EQ(network->forward(torch::ones({1, 2})).size(1), 4);
  EXPECT_EQ(task->open_data()->shape().train_samples(), 4);
  EXPECT_FALSE(task->loss());
}

TEST(OwnTask, LacksNoPart) {
  for (const auto leave_out : {0, 1, 2}) {
    auto some = parts();
    if (leave_out == 0) some.name.clear();
    if (leave_out == 1) some.data = nullptr;
    if (leave_out == 2) some.network = nullptr;
    tests::expect_error<UsageError>([&] { (void)make_factory(some); }, {"TaskParts"});
  }
}

}  // namespace
}  // namespace lockstep::task
