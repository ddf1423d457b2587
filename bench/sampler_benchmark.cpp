#include <benchmark/benchmark.h>

#include <lockstep/data/distributed_sampler.hpp>

namespace {

/// One rank's indices of an epoch of FashionMNIST, for this many ranks.
void sampler_epoch(benchmark::State& state) {
  const lockstep::data::DistributedSampler sampler{.samples = 60000, .replicas = state.range(0)};
  std::int64_t epoch = 0;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(sampler.indices(0, epoch++));
}
BENCHMARK(sampler_epoch)->Arg(1)->Arg(4);

}  // namespace
