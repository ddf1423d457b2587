#include <benchmark/benchmark.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/model/mlp.hpp>
#include <lockstep/sync/gradient_reducer.hpp>

namespace {

using namespace lockstep;

/// A step of the reducer without a backward: the tutorial's gradients are cleared, all-reduced
/// over all ranks, and the step's totals taken. Argument 1: through shared memory inside a node.
void reducer_step(benchmark::State& state) {
  torch::set_num_threads(1);
  const auto communicator = comm::make_communicator({.node_shared = state.range(0) == 1},
                                                    runtime::discover_rank_layout());
  const auto network = model::make_mlp(784, {512, 512}, 10, 0);
  runtime::HostStream compute;
  sync::GradientReducer reducer(network->parameters(), *communicator, compute, {});
  communicator->barrier();
  for ([[maybe_unused]] auto _ : state) {
    reducer.begin_step();
    reducer.expect_last_backward({.samples = 64});
    benchmark::DoNotOptimize(reducer.finish_step());
    benchmark::DoNotOptimize(reducer.take_totals());
  }
  state.SetBytesProcessed(state.iterations() * reducer.flat_gradients().numel() *
                          static_cast<std::int64_t>(sizeof(float)));
}
// As many iterations on every rank, since each waits for the others.
BENCHMARK(reducer_step)->Arg(1)->Arg(0)->Iterations(1000)->UseRealTime();

}  // namespace
