// The options of a command: names, help, and the variables that they set.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lockstep::app {

/// How an option's text becomes a variable's value, and back.
struct Binding {
  std::string value_name;  ///< for the help text ("N"); empty: a flag, which needs no value
  std::string expected;    ///< what a valid value is, for error messages
  /// Sets the variable, or returns false if the text is no valid value.
  std::function<bool(const std::string& text)> set;
  std::function<nlohmann::json()> get;
};

struct Option {
  std::string name;  ///< without the dashes
  std::string help;  ///< one line, default included
  Binding binding;
};

struct OptionGroup {
  std::string title;
  std::vector<Option> options;
};

using OptionTable = std::vector<OptionGroup>;

/// An option as somebody gave it: not yet checked.
struct GivenOption {
  std::string name;
  std::string value;
  std::string source;  ///< "--epochs", "LOCKSTEP_EPOCHS" or "train.conf:3"
};

/// All options' names.
[[nodiscard]] std::vector<std::string> option_names(const OptionTable& table);

/// Sets the variables. Throws UsageError naming source, value and what was expected.
void apply_options(const OptionTable& table, const std::vector<GivenOption>& given);

/// The name under which an option's value is recorded: with _ for -.
[[nodiscard]] std::string record_name(std::string option);

/// Every option's current value, by record_name.
[[nodiscard]] nlohmann::ordered_json current_values(const OptionTable& table);

/// Each group with its options, for --help.
[[nodiscard]] std::string help_text(const OptionTable& table);

}  // namespace lockstep::app
