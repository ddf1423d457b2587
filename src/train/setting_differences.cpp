#include "setting_differences.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace lockstep::train {
namespace {

using nlohmann::json;

constexpr const char* kVirtualShards = "virtual_shards";

/// `value[key]`, or null if there is none.
const json& entry_of(const json& value, const std::string& key) {
  static const json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return value.is_object() && found != value.end() ? *found : null;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "none" : value.dump();
}

enum class Judgement : std::uint8_t { kIgnored, kCounts, kOtherProblem };

class Differences {
 public:
  void compare(const std::string& name, const json& a, const json& b, bool other_problem = false) {
    if (a != b) found_.push_back({name, text_of(a), text_of(b), other_problem});
  }
  /// Compares every entry of two objects. `judge` decides by name whether an entry counts, and
  /// whether as another problem.
  template <typename Judge>
  void compare_entries(const std::string& prefix, const json& a, const json& b, Judge judge) {
    std::set<std::string> names;
    for (const auto* side : {&a, &b}) {
      if (!side->is_object()) continue;
      for (const auto& [name, value] : side->items()) names.insert(name);
    }
    for (const auto& name : names) {
      const Judgement judgement = judge(name);
      if (judgement == Judgement::kIgnored) continue;
      compare(prefix + name, entry_of(a, name), entry_of(b, name),
              judgement == Judgement::kOtherProblem);
    }
  }
  [[nodiscard]] std::vector<SettingDifference> take() { return std::move(found_); }

 private:
  std::vector<SettingDifference> found_;
};

/// 0 if off, as in runs of versions without the option.
std::int64_t virtual_shards(const json& options) {
  const auto& shards = entry_of(options, kVirtualShards);
  return shards.is_number_integer() ? shards.get<std::int64_t>() : 0;
}

/// The kinds of devices, however many there are of each.
json kinds_of_devices(const json& config) {
  std::set<std::string> kinds;
  for (const auto& device : entry_of(config, "devices")) kinds.insert(text_of(device));
  return kinds;
}

bool has_constant_learning_rate(const json& options) {
  return entry_of(options, "lr_schedule") == "constant";
}

}  // namespace

std::vector<SettingDifference> setting_differences(const json& a, const json& b,
                                                   const Effects& effects) {
  const auto& options_a = entry_of(a, "options");
  const auto& options_b = entry_of(b, "options");
  const bool fixed_sum = virtual_shards(options_a) > 0 && virtual_shards(options_b) > 0;
  const bool constant =
      has_constant_learning_rate(options_a) && has_constant_learning_rate(options_b);
  const auto judge_option = [&](const std::string& name) {
    const auto effect = effect_of(effects, name);
    if (effect == Effect::kNetwork) return Judgement::kOtherProblem;
    const bool ignored = effect == Effect::kNothing || name == kVirtualShards ||
                         (fixed_sum && effect == Effect::kOrderOfSums) ||
                         (constant && effect == Effect::kLength);
    return ignored ? Judgement::kIgnored : Judgement::kCounts;
  };
  Differences differences;
  differences.compare_entries("dataset.sha256.", entry_of(entry_of(a, "dataset"), "sha256"),
                              entry_of(entry_of(b, "dataset"), "sha256"),
                              [](const auto&) { return Judgement::kOtherProblem; });
  differences.compare_entries("", options_a, options_b, judge_option);
  differences.compare(kVirtualShards, virtual_shards(options_a), virtual_shards(options_b));
  if (!fixed_sum) {
    differences.compare("world_size", entry_of(a, "world_size"), entry_of(b, "world_size"));
  }
  differences.compare("devices", kinds_of_devices(a), kinds_of_devices(b));
  differences.compare_entries(
      "versions.", entry_of(a, "versions"), entry_of(b, "versions"), [&](const std::string& name) {
        return fixed_sum && name == "mpi" ? Judgement::kIgnored : Judgement::kCounts;
      });
  return differences.take();
}

}  // namespace lockstep::train
