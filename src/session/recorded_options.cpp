#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/input_file.hpp>
#include <lockstep/options/record.hpp>
#include <lockstep/session/recorded_options.hpp>
#include <lockstep/session/train_option_table.hpp>

namespace lockstep::session {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kRecordLimitBytes = 1U << 20U;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

const options::GivenOption* find(const std::vector<options::GivenOption>& options,
                                 std::string_view name) {
  const auto found =
      std::find_if(options.begin(), options.end(),
                   [&](const options::GivenOption& option) { return option.name == name; });
  return found == options.end() ? nullptr : &*found;
}

std::string value_in(const std::vector<options::GivenOption>& options, std::string_view name) {
  const auto* found = find(options, name);
  return found == nullptr ? std::string() : found->value;
}

/// The record of the run that --resume names, if there is one.
std::optional<fs::path> record_of(const std::string& resume, const std::string& output_dir) {
  std::vector<fs::path> places;
  if (resume == "auto") {
    if (output_dir.empty()) return std::nullopt;
    places = {output_dir};
  } else {  // RUN, RUN/checkpoints, or a file in either
    std::error_code ignored;
    const auto path = fs::absolute(resume, ignored).lexically_normal();
    places = {path, path.parent_path(), path.parent_path().parent_path()};
  }
  for (const auto& place : places) {
    std::error_code ignored;
    if (fs::is_regular_file(place / "config.json", ignored)) return place / "config.json";
  }
  return std::nullopt;
}

std::vector<options::GivenOption> read_record(const options::OptionTable& table,
                                              const fs::path& path) {
  return options::recorded_options(table, read_input_file(path, kRecordLimitBytes), path.string());
}

/// Whether the given options already settle `recorded`, which is then ignored.
bool is_settled(const options::GivenOption& recorded,
                const std::vector<options::GivenOption>& record,
                const std::vector<options::GivenOption>& given, const fs::path& run) {
  const auto& name = recorded.name;
  const auto has = [&given](std::string_view other) { return find(given, other) != nullptr; };
  if (name == "global-batch-size") return has("batch-size");
  if (name == "max-steps") return has("epochs");
  if (name == "synthetic") return has("data-dir");
  if (name == "resize") return has("synthetic");
  if (name == "data-dir") return has("synthetic");
  if (name == "data-seed") return has("seed") && recorded.value == value_in(record, "seed");
  // Only a run that has no checkpoint yet begins with these weights.
  if (name == "init-from") return !is_there(recorded.value) && is_there(run / "checkpoints/latest");
  return false;
}

/// Whether the run's record holds what this option would find again.
bool finds_again(const options::GivenOption& given, const options::GivenOption& recorded) {
  return given.name == "normalize" && given.value == "auto" && recorded.value != "none";
}

/// A recorded option that train knows.
struct Recorded {
  options::GivenOption option;
  json value;
  bool is_default = false;
};

/// Train's options, for comparing option texts by value.
class Values {
 public:
  explicit Values(task::Task& task) : table_(train_option_table(options_, task)) {}

  /// Sets the options of a record, except for those of another version.
  std::vector<Recorded> understand(const std::vector<options::GivenOption>& record) {
    std::vector<Recorded> understood;
    for (const auto& option : record) {
      const auto* known = find_option(table_, option.name);
      if (known == nullptr) continue;
      const auto before = known->binding.get();
      const auto value = value_of(option);
      understood.push_back({option, value, value == before});
    }
    // Two defaults depend on another option.
    const auto& sampling = options_.sampling;
    auto undecided = options_.optimization;
    undecided.weight_decay.reset();
    for (auto& [option, value, is_default] : understood) {
      if (option.name == "data-seed") is_default = sampling.data_seed == sampling.seed;
      if (option.name == "weight-decay") {
        is_default = options_.optimization.weight_decay == train::weight_decay_of(undecided);
      }
    }
    return understood;
  }
  [[nodiscard]] const options::OptionTable& table() const { return table_; }
  /// Null if the text is not a valid value.
  json value_of(const options::GivenOption& option) {
    const auto& binding = find_option(table_, option.name)->binding;
    return binding.set(option.value) ? binding.get() : json();
  }

 private:
  train::TrainOptions options_;
  options::OptionTable table_;
};

void note(std::vector<std::string>& notes, const fs::path& record, const char* what,
          const std::vector<std::string>& options) {
  if (options.empty()) return;
  notes.push_back(fmt::format("{} {}: {}", what, record.string(), fmt::join(options, " ")));
}

}  // namespace

void add_recorded_options(GivenOptions& to, const task::TaskFactory& make_task) {
  auto& [given, warnings, notes] = to;
  const auto* resume = find(given, "resume");
  if (resume == nullptr) return;
  const auto path = record_of(resume->value, value_in(given, "output-dir"));
  if (!path) return;
  const auto scratch = make_task();
  Values values(*scratch);
  std::vector<options::GivenOption> record;
  try {
    record = read_record(values.table(), *path);
  } catch (const Error& error) {
    notes.push_back(fmt::format("no options are taken from the run's record: {}", error.what()));
    return;
  }
  const auto typed = given;
  std::vector<std::string> taken;
  std::vector<std::string> differing;
  for (const auto& [option, value, is_default] : values.understand(record)) {
    if (const auto* mine = find(typed, option.name)) {
      if (values.value_of(*mine) == value || finds_again(*mine, option)) continue;
      differing.push_back(
          fmt::format("--{} {} (there {})", option.name, mine->value, option.value));
    } else if (!is_settled(option, record, typed, path->parent_path())) {
      given.push_back(option);
      if (!is_default) taken.push_back(fmt::format("--{} {}", option.name, option.value));
    }
  }
  note(notes, *path, "options taken from", taken);
  note(notes, *path, "options that differ from", differing);
}

}  // namespace lockstep::session
