#include <filesystem>
#include <vector>

#include <benchmark/benchmark.h>

#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/idx.hpp>

namespace {

using namespace lockstep;

/// FashionMNIST's training images, wherever `lockstep train` would find them; empty if nowhere.
std::filesystem::path training_images() {
  for (const auto& folder : data::default_data_folders()) {
    for (const auto* name : {"train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"}) {
      if (std::filesystem::exists(folder / name)) return folder / name;
    }
  }
  return {};
}

/// Opening and decoding a file of 60,000 images; bytes are those decoded.
void idx_decode(benchmark::State& state) {
  const auto path = training_images();
  if (path.empty()) return state.SkipWithError("FashionMNIST is not there: launch/fetch-data.sh");
  state.SetLabel(path.extension() == ".gz" ? "gzip" : "plain");
  std::int64_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    data::IdxFile file(path);
    std::vector<std::byte> pixels(static_cast<std::size_t>(file.elements()));
    file.read_into(pixels);
    benchmark::DoNotOptimize(pixels.data());
    bytes += file.elements();
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(idx_decode)->Unit(benchmark::kMillisecond);

}  // namespace
