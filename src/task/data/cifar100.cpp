#include <lockstep/data/cifar.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

bool has_cifar100(const std::string& folder) {
  return data::has_cifar_files(data::Cifar::k100, folder);
}

std::unique_ptr<data::DatasetSource> open_cifar100(const std::string& folder,
                                                   const FolderOptions& /*options*/) {
  return data::open_cifar(data::Cifar::k100, folder);
}

}  // namespace

DataKind cifar100_data() {
  return {"cifar100", "CIFAR-100's binary version", has_cifar100, open_cifar100};
}

}  // namespace lockstep::task
