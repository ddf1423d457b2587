#include <lockstep/data/cifar.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

bool has_cifar10(const std::string& folder) {
  return data::has_cifar_files(data::Cifar::k10, folder);
}

std::unique_ptr<data::DatasetSource> open_cifar10(const std::string& folder,
                                                  const FolderOptions& /*options*/) {
  return data::open_cifar(data::Cifar::k10, folder);
}

}  // namespace

DataKind cifar10_data() {
  return {"cifar10", "CIFAR-10's binary version", has_cifar10, open_cifar10};
}

}  // namespace lockstep::task
