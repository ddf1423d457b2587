// The options of a command: names, help, and the variables that they set.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/base/effect.hpp>

namespace lockstep::options {

/// How an option's text becomes a variable's value, and back.
struct Binding {
  std::string value_name;  ///< for the help text ("N"); empty: a flag, which needs no value
  std::string expected;    ///< what a valid value is, for error messages
  /// Sets the variable, or returns false if the text is not a valid value.
  std::function<bool(const std::string& text)> set;
  std::function<nlohmann::json()> get;
  bool is_path = false;  ///< a leading ~ in its text means a home folder
};

/// What the value of an option belongs to.
enum class Scope : unsigned char {
  kRun,      ///< the run: resuming or repeating it uses the recorded value
  kMachine,  ///< the machine and number of ranks that compute the run: it is chosen anew for them
  kImplied,  ///< another option, from which its recorded value follows
  kStart     ///< one start of the run: where results go, and what is shown
};

struct Option {
  std::string name;  ///< without the dashes
  std::string help;  ///< one line, default included
  Binding binding;
  Effect effect = Effect::kResults;
  Scope scope = Scope::kRun;
};

struct OptionGroup {
  std::string title;
  std::vector<Option> options;
};

using OptionTable = std::vector<OptionGroup>;

/// An option as it was given, not yet checked.
struct GivenOption {
  std::string name;
  std::string value;
  std::string source;  ///< "--epochs", "LOCKSTEP_EPOCHS" or "train.conf:3"
};

/// The names of all options.
[[nodiscard]] std::vector<std::string> option_names(const OptionTable& table);

/// The option of that name, or null.
[[nodiscard]] const Option* find_option(const OptionTable& table, const std::string& name);

/// Sets the variables. Throws UsageError naming source, value and what was expected.
void apply_options(const OptionTable& table, const std::vector<GivenOption>& given);

/// The name under which an option's value is recorded: with _ in place of -.
[[nodiscard]] std::string record_name(std::string option);

/// The option that `record_name` turns into `recorded`.
[[nodiscard]] std::string option_name(std::string recorded);

/// A recorded value as it would be typed: lists with commas, switches as on and off; empty for
/// null.
[[nodiscard]] std::string typed_text(const nlohmann::json& value);

/// Every option's current value, by record_name.
[[nodiscard]] nlohmann::ordered_json current_values(const OptionTable& table);

/// Every option's effect, by record_name.
[[nodiscard]] Effects effects_of(const OptionTable& table);

/// Each group with its options, for --help.
[[nodiscard]] std::string help_text(const OptionTable& table);

}  // namespace lockstep::options
