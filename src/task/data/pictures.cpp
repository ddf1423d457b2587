#include <lockstep/base/cache_folder.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/data/picture_dataset.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

bool has_pictures(const std::string& folder) {
  return !folder.empty() && data::has_picture_folders(folder);
}

std::unique_ptr<data::DatasetSource> open_pictures(const std::string& folder,
                                                   const FolderOptions& options) {
  if (folder.empty()) {
    throw UsageError("--dataset pictures: name the folder of the pictures by --data-dir DIR");
  }
  return data::open_picture_dataset(folder,
                                    {.resize = options.resize, .cache_folder = cache_folder()});
}

}  // namespace

DataKind pictures_data() {
  return {"pictures", "pictures in train/CLASS/ and test/CLASS/", has_pictures, open_pictures,
          /*resizes=*/true};
}

}  // namespace lockstep::task
