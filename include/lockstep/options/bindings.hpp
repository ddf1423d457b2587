// Bindings of options to variables of the usual types. The variables must outlive the bindings.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::options {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

/// An integer in [least, most].
[[nodiscard]] Binding integer(std::int64_t& target, std::int64_t least,
                              std::int64_t most = kNoLimit);
[[nodiscard]] Binding integer(std::optional<std::int64_t>& target, std::int64_t least,
                              std::int64_t most);
/// A number of bytes in [least, most]; K, M or G stand for 2^10, 2^20, 2^30.
[[nodiscard]] Binding byte_size(std::int64_t& target, std::int64_t least, std::int64_t most);
/// A seed: an integer of at least 0.
[[nodiscard]] Binding seed(std::uint64_t& target);
[[nodiscard]] Binding seed(std::optional<std::uint64_t>& target);
/// A finite number that is at least 0 / above 0 / at least 0 and below 1.
[[nodiscard]] Binding non_negative_number(double& target);
[[nodiscard]] Binding non_negative_number(std::optional<double>& target);
[[nodiscard]] Binding positive_number(double& target);
[[nodiscard]] Binding fraction(double& target);
[[nodiscard]] Binding text(std::string& target, const std::string& value_name);
/// A file or a folder.
[[nodiscard]] Binding path(std::string& target, const std::string& value_name);
[[nodiscard]] Binding flag(bool& target);
[[nodiscard]] Binding on_off(bool& target);
/// Comma-separated integers in [least, most].
[[nodiscard]] Binding integers(std::vector<std::int64_t>& target, std::int64_t least,
                               std::int64_t most);

/// A value that has a text: `parse` returns it, or nothing for any other text; `text_of` is its
/// inverse. `expected` follows "is not" in error messages.
template <typename Value>
[[nodiscard]] Binding parsed_text(Value& target, std::string value_name, std::string expected,
                                  std::optional<Value> (*parse)(const std::string&),
                                  std::string (*text_of)(const Value&)) {
  return {.value_name = std::move(value_name),
          .expected = std::move(expected),
          .set =
              [&target, parse](const std::string& text) {
                auto value = parse(text);
                if (value) target = *std::move(value);
                return value.has_value();
              },
          .get = [&target, text_of]() -> nlohmann::json { return text_of(target); }};
}

/// One of several names, each of which stands for a value.
template <typename Value>
[[nodiscard]] Binding choice(Value& target, std::vector<std::pair<std::string, Value>> values) {
  Binding binding;
  for (const auto& [name, value] : values) {
    binding.value_name += (binding.value_name.empty() ? "" : "/") + name;
    binding.expected += (binding.expected.empty() ? "" : ", ") + name;
  }
  binding.expected = "one of " + binding.expected;
  binding.set = [&target, values](const std::string& text) {
    for (const auto& [name, value] : values) {
      if (name == text) {
        target = value;
        return true;
      }
    }
    return false;
  };
  binding.get = [&target, values]() -> nlohmann::json {
    for (const auto& [name, value] : values) {
      if (value == target) return name;
    }
    return nullptr;
  };
  return binding;
}

/// An enumeration of kAuto, kOn and kOff.
template <typename Value>
[[nodiscard]] Binding auto_on_off(Value& target) {
  return choice<Value>(target, {{"auto", Value::kAuto}, {"on", Value::kOn}, {"off", Value::kOff}});
}

}  // namespace lockstep::options
