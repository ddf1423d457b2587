#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

std::vector<std::filesystem::path> places(const std::string& folder) {
  if (folder.empty()) return data::default_data_folders();
  return {folder};
}

bool has_images(const std::string& folder) {
  return data::has_fashion_mnist_files(places(folder));
}

std::unique_ptr<data::DatasetSource> open_images(const std::string& folder,
                                                 const FolderOptions& /*options*/) {
  return data::open_fashion_mnist(places(folder));
}

}  // namespace

DataKind fashion_mnist_data() {
  return {"fashion-mnist", "FashionMNIST's four IDX files", has_images, open_images};
}

}  // namespace lockstep::task
