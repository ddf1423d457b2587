#include <lockstep/data/idx_dataset.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

bool has_idx_pairs(const std::string& folder) {
  return data::has_idx_files(folder);
}

std::unique_ptr<data::DatasetSource> open_idx_pairs(const std::string& folder,
                                                    const FolderOptions& /*options*/) {
  return data::open_idx_dataset(folder);
}

}  // namespace

DataKind idx_data() {
  return {"idx", "IDX files of images and labels, for training and for the test", has_idx_pairs,
          open_idx_pairs};
}

}  // namespace lockstep::task
