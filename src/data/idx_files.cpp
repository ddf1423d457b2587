#include "idx_files.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx_dataset.hpp>

#include "dataset_files.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, Part>, 6> kStems = {
    {{"train-images", Part::kTrainImages},
     {"train-labels", Part::kTrainLabels},
     {"t10k-images", Part::kTestImages},
     {"t10k-labels", Part::kTestLabels},
     {"test-images", Part::kTestImages},
     {"test-labels", Part::kTestLabels}}};

/// What a folder has of one data set.
struct Candidates {
  // By name, in which order a plain file comes before its .gz.
  std::array<std::set<fs::path>, kAllParts.size()> files;
  std::array<fs::path, kAllParts.size()> others;  // a pipe, a device, a folder

  [[nodiscard]] std::ptrdiff_t parts() const {
    return std::count_if(files.begin(), files.end(),
                         [](const auto& of_part) { return !of_part.empty(); });
  }
};

/// By prefix.
using CandidatesIn = std::map<std::string, Candidates>;

/// The entry itself, or the file in it if it is a folder: Kaggle's archives unpack so.
std::optional<fs::path> file_at(const fs::path& entry) {
  const auto inner = (entry / entry.filename()).string();
  for (const auto& path : {entry, fs::path(inner), fs::path(inner + ".gz")}) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return std::nullopt;
}

CandidatesIn candidates_in(const fs::path& folder) {
  CandidatesIn found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = parse_idx_name(entry->path().filename().string());
    if (!name) continue;
    const auto part = static_cast<std::size_t>(name->part);
    auto& candidates = found[name->prefix];
    if (const auto file = file_at(entry->path())) {
      candidates.files.at(part).insert(*file);
    } else {
      candidates.others.at(part) = entry->path();
    }
  }
  for (auto one = found.begin(); one != found.end();) {
    one = one->second.parts() == 0 ? found.erase(one) : std::next(one);
  }
  return found;
}

std::ptrdiff_t most_parts(const CandidatesIn& candidates) {
  std::ptrdiff_t most = 0;
  for (const auto& [prefix, one] : candidates) most = std::max(most, one.parts());
  return most;
}

/// A file's name without what may differ between copies of the same file.
std::string plain_name(const fs::path& path) {
  auto name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (const auto dot = name.rfind(".idx"); dot != std::string::npos) name.at(dot) = '-';
  return name;
}

[[noreturn]] void refuse_missing(const fs::path& folder, const std::string& prefix, Part part,
                                 const fs::path& other) {
  if (!other.empty()) {
    throw DataError(
        fmt::format("{}: a pipe, a device or a folder without that file: data are read "
                    "from files only",
                    other.string()));
  }
  std::string name = file_name(part);
  if (!prefix.empty() && name.starts_with("t10k")) name.replace(0, 4, "test");
  auto near = prefix.empty() ? describe_near_file(folder, part) : std::string();
  if (near.empty()) near = "images and labels for training and for the test are needed";
  throw DataError(fmt::format("{}: {}{}[.gz] is missing; {}", folder.string(), prefix, name, near));
}

[[noreturn]] void refuse_several(const fs::path& folder, const CandidatesIn& candidates) {
  constexpr std::size_t kMaxNamed = 12;
  std::vector<std::string> prefixes;
  for (const auto& [prefix, one] : candidates) {
    if (prefixes.size() == kMaxNamed) break;
    prefixes.push_back(prefix.empty() ? "train- and t10k-" : prefix);
  }
  std::error_code ignored;
  throw DataError(
      fmt::format("{} holds {} data sets, whose files begin with {}{}: make a folder with links to "
                  "the files of one (ln -s {}/{}* FOLDER) and name that",
                  folder.string(), candidates.size(), fmt::join(prefixes, ", "),
                  candidates.size() > kMaxNamed ? ", …" : "",
                  fs::absolute(folder, ignored).string(), candidates.rbegin()->first),
      {"data_dir"});
}

fs::path only_file(const std::set<fs::path>& files) {
  for (const auto& other : files) {
    if (plain_name(other) == plain_name(*files.begin())) continue;
    throw DataError(fmt::format("{} and {} are for the same part of a data set: leave one",
                                files.begin()->string(), other.string()));
  }
  return *files.begin();
}

}  // namespace

std::optional<IdxName> parse_idx_name(std::string_view name) {
  const auto drop = [&name](std::string_view ending) {
    const bool found = name.ends_with(ending);
    if (found) name.remove_suffix(ending.size());
    return found;
  };
  if (name.starts_with(".")) return std::nullopt;  // such as macOS leaves beside files
  drop(".gz");
  if (!drop("-ubyte") && !drop("-int")) return std::nullopt;
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.back())) == 0) {
    return std::nullopt;
  }
  name.remove_suffix(1);
  if (!drop("-idx") && !drop(".idx")) return std::nullopt;
  for (const auto& [stem, part] : kStems) {
    if (drop(stem)) return IdxName{std::string(name), part};
  }
  return std::nullopt;
}

bool has_idx_files(const fs::path& folder) {
  const auto places = places_of(folder);
  return std::any_of(places.begin(), places.end(),
                     [](const fs::path& place) { return !candidates_in(place).empty(); });
}

IdxFiles find_idx_files(const fs::path& folder) {
  fs::path place;
  CandidatesIn candidates;
  for (const auto& one : places_of(folder)) {
    auto found = candidates_in(one);
    if (most_parts(found) <= most_parts(candidates)) continue;
    place = one;
    candidates = std::move(found);
  }
  if (candidates.empty()) {
    throw DataError(
        fmt::format("no IDX files in {}: four are needed, such as {} and {}, each "
                    "plain or .gz",
                    folder.string(), file_name(Part::kTrainImages), file_name(Part::kTrainLabels)),
        {"data_dir"});
  }
  if (candidates.size() > 1) refuse_several(place, candidates);
  const auto& [prefix, found] = *candidates.begin();
  IdxFiles files{.folder = place, .prefix = prefix, .paths = {}};
  for (const Part part : kAllParts) {
    const auto number = static_cast<std::size_t>(part);
    if (found.files.at(number).empty()) {
      refuse_missing(place, prefix, part, found.others.at(number));
    }
    files.paths.at(number) = only_file(found.files.at(number));
  }
  return files;
}

}  // namespace lockstep::data
