#include "setting_differences.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace lockstep::train {
namespace {

using nlohmann::json;

// What is written, where, how often, and how long anybody is waited for: no bit of a loss or a
// weight. Any other option may change some, one that a later version adds too.
constexpr std::array<std::string_view, 14> kChangesNoBits = {
    "check_replicas_every", "checkpoint_every", "collective_timeout", "data_dir", "evaluate_every",
    "keep_checkpoints",     "log_every",        "output_dir",         "progress", "resume",
    "tensorboard",          "test_batch_size",  "test_samples",       "trace"};
// The order of sums over ranks, unless virtual shards fix it; how many there are is shown apart.
constexpr std::array<std::string_view, 6> kOrdersTheSum = {
    "backend", "batch_size", "bucket_mb", "first_bucket_mb", "node_shared", "overlap"};
// How long a run is, and with it the course of a learning rate that is not constant.
constexpr std::array<std::string_view, 2> kLength = {"epochs", "max_steps"};
// Other data, another network.
constexpr std::array<std::string_view, 1> kAnotherNetwork = {"hidden"};

template <std::size_t kCount>
bool contains(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// `value[key]`, or null where there is none.
const json& entry_of(const json& value, const std::string& key) {
  static const json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() ? *found : null;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "none" : value.dump();
}

class Differences {
 public:
  void compare(const std::string& name, const json& a, const json& b, bool other_problem = false) {
    if (a != b) found_.push_back({name, text_of(a), text_of(b), other_problem});
  }
  /// Every entry of two objects that `counts`.
  template <typename Counts>
  void compare_entries(const std::string& prefix, const json& a, const json& b, Counts counts,
                       bool other_problem = false) {
    std::set<std::string> names;
    for (const auto* side : {&a, &b}) {
      if (!side->is_object()) continue;
      for (const auto& [name, value] : side->items()) names.insert(name);
    }
    for (const auto& name : names) {
      if (!counts(name)) continue;
      compare(prefix + name, entry_of(a, name), entry_of(b, name),
              other_problem || (prefix.empty() && contains(kAnotherNetwork, name)));
    }
  }
  [[nodiscard]] std::vector<SettingDifference> take() { return std::move(found_); }

 private:
  std::vector<SettingDifference> found_;
};

/// 0: off, as in runs of versions without the option.
std::int64_t virtual_shards(const json& options) {
  const auto& shards = entry_of(options, "virtual_shards");
  return shards.is_number_integer() ? shards.get<std::int64_t>() : 0;
}

/// Which kinds there are, however many of each.
json kinds_of_devices(const json& config) {
  std::set<std::string> kinds;
  for (const auto& device : entry_of(config, "devices")) kinds.insert(text_of(device));
  return kinds;
}

bool has_constant_learning_rate(const json& options) {
  return entry_of(options, "lr_schedule") == "constant";
}

}  // namespace

std::vector<SettingDifference> setting_differences(const json& a, const json& b) {
  const auto& options_a = entry_of(a, "options");
  const auto& options_b = entry_of(b, "options");
  const bool fixed_sum = virtual_shards(options_a) > 0 && virtual_shards(options_b) > 0;
  const bool constant =
      has_constant_learning_rate(options_a) && has_constant_learning_rate(options_b);
  Differences differences;
  differences.compare_entries(
      "dataset.sha256.", entry_of(entry_of(a, "dataset"), "sha256"),
      entry_of(entry_of(b, "dataset"), "sha256"), [](const auto&) { return true; }, true);
  differences.compare_entries("", options_a, options_b, [&](const std::string& name) {
    return !contains(kChangesNoBits, name) && name != "virtual_shards" &&
           !(fixed_sum && contains(kOrdersTheSum, name)) && !(constant && contains(kLength, name));
  });
  differences.compare("virtual_shards", virtual_shards(options_a), virtual_shards(options_b));
  if (!fixed_sum) {
    differences.compare("world_size", entry_of(a, "world_size"), entry_of(b, "world_size"));
  }
  differences.compare("devices", kinds_of_devices(a), kinds_of_devices(b));
  differences.compare_entries("versions.", entry_of(a, "versions"), entry_of(b, "versions"),
                              [&](const std::string& name) { return !fixed_sum || name != "mpi"; });
  return differences.take();
}

}  // namespace lockstep::train
