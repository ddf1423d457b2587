#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/synthetic.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

constexpr std::int64_t kTrainSamples = 60000;
constexpr std::int64_t kTestSamples = 10000;
constexpr std::uint64_t kSeed = 0;  // the same data for every run and for `evaluate`

std::unique_ptr<data::DatasetSource> make(const std::string& /*folder*/) {
  return data::make_synthetic(data::fashion_mnist_spec(), kTrainSamples, kTestSamples, kSeed);
}

}  // namespace

/// Samples like FashionMNIST's.
DataKind synthetic_data() {
  return {"synthetic", data::fashion_mnist_spec, make};
}

}  // namespace lockstep::task
