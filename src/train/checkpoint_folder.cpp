#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/train/checkpoint_folder.hpp>

namespace lockstep::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";
constexpr const char* kLatest = "latest";

/// The step in a checkpoint's name; nothing for other files.
std::optional<std::int64_t> step_of(const fs::path& path) {
  const auto name = path.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const auto* const begin = name.data() + kPrefix.size();
  const auto* const end = name.data() + name.size() - kSuffix.size();
  std::int64_t step = 0;
  const auto [rest, error] = std::from_chars(begin, end, step);
  if (error != std::errc() || rest != end) return std::nullopt;
  return step;
}

/// Steps of the checkpoints in `folder`, newest first; none if the folder cannot be read.
std::vector<std::int64_t> steps_in(const fs::path& folder) {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto step = step_of(entry->path())) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

/// What symlink reports if a file system has no links: FAT, some network and FUSE file systems.
bool is_no_links(int reason) {
  return reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL ||
         reason == EACCES;
}

}  // namespace

fs::path CheckpointFolder::path_of(std::int64_t steps) const {
  return folder_ / fmt::format("{}{:08}{}", kPrefix, steps, kSuffix);
}

std::vector<std::string> CheckpointFolder::save(const Checkpoint& checkpoint,
                                                std::int64_t keep) const {
  std::error_code error;
  fs::create_directory(folder_, error);  // not its parents: a removed run folder stays removed
  if (error) {
    throw RuntimeFailure(
        fmt::format("cannot make the folder {}: {}", folder_.string(), error.message()));
  }
  const auto path = path_of(checkpoint.position.steps);
  std::string no_links;
  const auto removed = make_room_for([&] {
    write_checkpoint(path, checkpoint);
    no_links = point_latest_to(path);
  });
  remove_older(checkpoint.position.steps, keep);
  std::vector<std::string> remarks;
  if (removed > 0) {
    remarks.push_back(fmt::format(
        "{}: no space left for {} checkpoints: the oldest ones are removed to make room for each "
        "new one",
        folder_.string(), keep));
  }
  if (!no_links.empty()) remarks.push_back(std::move(no_links));
  return remarks;
}

std::int64_t CheckpointFolder::make_room_for(const std::function<void()>& write) const {
  std::optional<std::vector<fs::path>> removable;
  for (std::int64_t removed = 0;; ++removed) {
    try {
      write();
      return removed;
    } catch (const NoSpaceLeft&) {
      if (!removable) removable = expendable();
      if (removable->empty()) throw;
    }
    std::error_code ignored;  // the next attempt shows whether it helped
    fs::remove(removable->back(), ignored);
    removable->pop_back();
  }
}

/// The candidates, oldest last, without the one that a run would resume from. Empty if there is
/// none of that kind.
std::vector<fs::path> CheckpointFolder::expendable() const {
  auto paths = candidates();
  if (paths.size() < 2) return {};
  const auto is_good = [](const fs::path& path) {
    try {
      (void)read_checkpoint(path);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  const auto good = std::find_if(paths.begin(), paths.end(), is_good);
  if (good == paths.end()) return {};
  paths.erase(good);
  return paths;
}

/// Atomically replaces the old link by a new one made under another name. Returns a remark if the
/// file system has no links: the newest checkpoint is then the one to resume from.
std::string CheckpointFolder::point_latest_to(const fs::path& file) const {
  const auto temporary = folder_ / fmt::format("{}.{}.part", kLatest, ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(file.filename(), temporary, error);
  std::error_code ignored;
  if (is_no_links(error.value())) {
    fs::remove(folder_ / kLatest, ignored);  // of an older checkpoint
    sync_folder(folder_);
    return fmt::format(
        "{}: the file system has no symbolic links ({}): checkpoints are saved without 'latest', "
        "and a resume takes the newest",
        folder_.string(), error.message());
  }
  if (!error) fs::rename(temporary, folder_ / kLatest, error);
  if (error) {
    fs::remove(temporary, ignored);
    const auto text = fmt::format("cannot point {} to {}: {}", (folder_ / kLatest).string(),
                                  file.filename().string(), error.message());
    if (error.value() == ENOSPC || error.value() == EDQUOT) throw NoSpaceLeft(text);
    throw RuntimeFailure(text);
  }
  sync_folder(folder_);
  return {};
}

void CheckpointFolder::keep_as_best(std::int64_t steps) const {
  const auto file = path_of(steps);
  const auto temporary = folder_ / fmt::format("best.{}.part", ::getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(file, temporary, error);
  if (error) {
    error.clear();
    fs::copy_file(file, temporary, error);
  }
  if (!error) fs::rename(temporary, best_path(), error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw RuntimeFailure(fmt::format("cannot keep {} as {}: {}", file.string(),
                                     best_path().string(), error.message()));
  }
  sync_folder(folder_);
}

void CheckpointFolder::remove_older(std::int64_t newest, std::int64_t keep) const {
  auto steps = steps_in(folder_);
  std::erase_if(steps, [newest](std::int64_t step) { return step > newest; });
  for (auto i = static_cast<std::size_t>(keep); i < steps.size(); ++i) {
    std::error_code ignored;  // one too many does no harm
    fs::remove(path_of(steps[i]), ignored);
  }
}

void CheckpointFolder::remove_leftovers() const {
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".part") leftovers.push_back(entry->path());
  }
  for (const auto& path : leftovers) fs::remove(path, error);  // they do no harm
}

std::vector<fs::path> CheckpointFolder::candidates() const {
  auto steps = steps_in(folder_);
  std::error_code error;
  const auto target = fs::read_symlink(folder_ / kLatest, error);
  const auto latest = error ? std::nullopt : step_of(target);
  if (latest && std::find(steps.begin(), steps.end(), *latest) != steps.end()) {
    std::erase_if(steps, [&](std::int64_t step) { return step > *latest; });
  }
  std::vector<fs::path> paths;
  for (const std::int64_t step : steps) paths.push_back(path_of(step));
  return paths;
}

std::optional<Checkpoint> CheckpointFolder::read_newest(const Log& log) const {
  std::string trouble;
  for (const auto& path : candidates()) {
    try {
      auto checkpoint = read_checkpoint(path);
      if (!trouble.empty())
        log.warning(fmt::format("{}; going on from {}", trouble, path.string()));
      return checkpoint;
    } catch (const DataError& error) {
      if (!trouble.empty()) trouble += "; ";
      trouble += error.what();
    }
  }
  if (trouble.empty()) return std::nullopt;
  throw DataError(fmt::format("no checkpoint in {} can be used: {}", folder_.string(), trouble));
}

}  // namespace lockstep::train
