#include <benchmark/benchmark.h>

#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/fashion_mnist.hpp>

namespace {

using namespace lockstep;

/// Gathering and scaling one batch of this many images.
void gather(benchmark::State& state, const data::Augmentation& augmentation) {
  torch::set_num_threads(1);
  const data::Dataset dataset{data::fashion_mnist_spec(),
                              torch::randint(0, 256, {60000, 1, 28, 28}, torch::kUInt8),
                              torch::randint(0, 10, {60000}, torch::kUInt8)};
  data::BatchGatherer gatherer(dataset, state.range(0), augmentation);
  const auto order = torch::randperm(60000);
  gatherer.set_order({order.data_ptr<std::int64_t>(), 60000});
  std::int64_t position = 0;
  for ([[maybe_unused]] auto _ : state) {
    if (position + state.range(0) > 60000) position = 0;
    const auto batch = gatherer.gather({.first = position, .count = state.range(0)});
    benchmark::DoNotOptimize(batch.inputs.data_ptr<float>());
    position += state.range(0);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void gather_batch(benchmark::State& state) {
  gather(state, {});
}
BENCHMARK(gather_batch)->Arg(64)->Arg(1024);

void gather_augmented_batch(benchmark::State& state) {
  gather(state, {.flip = true, .crop = 4});
}
BENCHMARK(gather_augmented_batch)->Arg(64)->Arg(1024);

}  // namespace
