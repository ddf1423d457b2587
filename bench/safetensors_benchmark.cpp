#include <benchmark/benchmark.h>

#include <lockstep/model/mlp.hpp>
#include <lockstep/model/safetensors.hpp>

#include "temporary_folder.hpp"

namespace {

using namespace lockstep;

std::vector<model::NamedTensor> tutorial_weights() {
  return model::named_parameters(*model::make_mlp(784, {512, 512}, 10, 0));
}

/// The tutorial's weights, written to a folder of the temporary directory and synchronised with
/// its disk, digest included.
void safetensors_write(benchmark::State& state) {
  const tests::TemporaryFolder folder;
  const auto tensors = tutorial_weights();
  for ([[maybe_unused]] auto _ : state) {
    model::write_safetensors(folder.path() / "model.safetensors", tensors);
  }
}
BENCHMARK(safetensors_write)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Reading them back: header, digest, tensors.
void safetensors_read(benchmark::State& state) {
  const tests::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  model::write_safetensors(path, tutorial_weights());
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(model::read_safetensors(path));
  }
}
BENCHMARK(safetensors_read)->Unit(benchmark::kMillisecond);

}  // namespace
