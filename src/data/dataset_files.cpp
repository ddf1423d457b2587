#include "dataset_files.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "idx_files.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFileNames = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                   "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

std::string with_dot(std::string name) {
  name.at(name.find("-idx")) = '.';
  return name;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

/// Only the letters and digits, in lower case: what two spellings of a name have in common.
std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (std::isalnum(code) != 0) letters.push_back(static_cast<char>(std::tolower(code)));
  }
  return letters;
}

/// Whether it begins like a part's name up to "idx": "Train-Images.idx3-ubyte.zip",
/// "train_images.csv".
bool is_near(const fs::path& path, Part part) {
  const std::string_view name = file_name(part);
  const auto stem = letters_of(name.substr(0, name.find("-idx")));
  return letters_of(path.filename().string()).starts_with(stem);
}

bool is_one_of(const std::string& extension, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), extension) != all.end();
}

std::string advice_for(const fs::path& path, Part part) {
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  if (fs::is_directory(status)) return "a folder without that file";
  if (!fs::is_regular_file(status)) return "a pipe or device: data are read from files only";
  const auto extension = path.extension().string();
  if (is_one_of(extension, {".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"})) {
    return "unpack it";
  }
  if (is_one_of(extension, {".part", ".crdownload", ".download", ".tmp", ".aria2", ".damaged"})) {
    return "a download that did not finish? fetch it again with launch/fetch-data.sh";
  }
  if (is_one_of(extension, {".csv", ".txt", ".npy", ".npz", ".pt", ".png", ".parquet"})) {
    return "a file of another kind: the IDX file is needed";
  }
  return fmt::format("did you mean that? then name it {}{}", file_name(part),
                     extension == ".gz" || extension == ".GZ" ? ".gz" : "");
}

}  // namespace

const char* file_name(Part part) {
  return kFileNames.at(static_cast<std::size_t>(part));
}

std::optional<fs::path> find_file(const fs::path& folder, Part part) {
  const std::string name = file_name(part);
  for (const auto& spelling : {name, with_dot(name)}) {
    for (const auto* ending : {"", ".gz"}) {
      auto candidate = folder / (spelling + ending);
      if (is_file(candidate)) return candidate;
    }
  }
  for (const auto& outer : {name, with_dot(name)}) {
    for (const auto& inner : {name, name + ".gz", with_dot(name), with_dot(name) + ".gz"}) {
      auto candidate = folder / outer / inner;
      if (is_file(candidate)) return candidate;
    }
  }
  return std::nullopt;
}

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::count_if(kAllParts.begin(), kAllParts.end(),
                       [&](Part part) { return find_file(folder, part).has_value(); });
}

std::vector<fs::path> places_of(const fs::path& folder) {
  return {folder, folder / "raw", folder / "FashionMNIST", folder / "FashionMNIST/raw"};
}

std::string describe_near_file(const fs::path& folder, std::optional<Part> part) {
  constexpr int kMaxNames = 1000;
  constexpr int kDeepest = 2;
  std::error_code error;
  int seen = 0;
  for (fs::recursive_directory_iterator
           entry(folder, fs::directory_options::skip_permission_denied, error),
       end;
       !error && entry != end && seen < kMaxNames; entry.increment(error), ++seen) {
    if (entry.depth() >= kDeepest) entry.disable_recursion_pending();
    const auto& path = entry->path();
    const auto name = parse_idx_name(path.filename().string());
    if (!part && entry.depth() > 0 && name && !name->prefix.empty()) {
      return fmt::format("{} holds such files: name that folder", path.parent_path().string());
    }
    for (const Part one : kAllParts) {
      if ((part && one != *part) || !is_near(path, one)) continue;
      if (!part && files_in(path.parent_path()) > 0) {
        return fmt::format("{} holds such files: name that folder", path.parent_path().string());
      }
      return fmt::format("found {}: {}", path.string(), advice_for(path, one));
    }
  }
  return {};
}

}  // namespace lockstep::data
