#include <variant>

#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/synthetic.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

constexpr std::int64_t kTrainSamples = 60000;
constexpr std::int64_t kTestSamples = 10000;
constexpr std::uint64_t kSeed = 0;  // the same data for every run and for `evaluate`

/// Samples like FashionMNIST's, whose classes have no names.
data::SampleSpec spec() {
  auto spec = data::fashion_mnist_spec();
  std::get<data::ClassTarget>(spec.target).names.clear();
  return spec;
}

std::unique_ptr<data::DatasetSource> make(const std::string& /*folder*/) {
  return data::make_synthetic(spec(), kTrainSamples, kTestSamples, kSeed);
}

}  // namespace

DataKind synthetic_data() {
  return {"synthetic", spec, make};
}

}  // namespace lockstep::task
