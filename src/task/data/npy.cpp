#include <lockstep/data/npy_dataset.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

bool has_arrays(const std::string& folder) {
  return data::has_npy_files(folder);
}

std::unique_ptr<data::DatasetSource> open_arrays(const std::string& folder,
                                                 const FolderOptions& /*options*/) {
  return data::open_npy_dataset(folder);
}

}  // namespace

DataKind npy_data() {
  return {"npy", "train_inputs.npy, train_targets.npy, test_inputs.npy and test_targets.npy",
          has_arrays, open_arrays};
}

}  // namespace lockstep::task
