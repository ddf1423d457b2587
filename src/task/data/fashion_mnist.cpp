#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

std::unique_ptr<data::DatasetSource> open(const std::string& folder) {
  if (folder.empty()) return data::open_fashion_mnist(data::default_data_folders());
  return data::open_fashion_mnist({folder});
}

}  // namespace

DataKind fashion_mnist_data() {
  return {"fashion-mnist", data::fashion_mnist_spec, open};
}

}  // namespace lockstep::task
