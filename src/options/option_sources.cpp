#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/input_file.hpp>
#include <lockstep/base/nearest_name.hpp>
#include <lockstep/options/config_file.hpp>
#include <lockstep/options/option_sources.hpp>

#include "home_folder.hpp"
#include "service_variables.hpp"

namespace lockstep::options {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kPrefix = "LOCKSTEP_";
constexpr const char* kConfig = "config";
constexpr std::size_t kConfigLimitBytes = 1U << 20U;
// Variables that are not options: read elsewhere (launch/, error reports, decoded pictures).
constexpr std::array kOtherVariables = {"LOCKSTEP_BACKTRACE", "LOCKSTEP_CACHE_DIR"};

po::options_description describe(const OptionTable& table) {
  po::options_description description;
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      auto* value = po::value<std::string>();
      if (option.binding.value_name.empty()) value->implicit_value("on");
      description.add_options()(option.name.c_str(), value);
    }
  }
  description.add_options()(kConfig, po::value<std::string>());
  return description;
}

std::vector<std::string> known_names(const OptionTable& table) {
  auto names = option_names(table);
  names.emplace_back(kConfig);
  return names;
}

std::string suggestion(const std::string& name, const OptionTable& table,
                       const std::string& prefix) {
  const auto nearest = nearest_name(name, option_names(table));
  return nearest ? fmt::format("; did you mean '{}{}'?", prefix, *nearest)
                 : std::string("; --help lists them");
}

std::string variable_name(std::string option) {
  option = record_name(std::move(option));
  std::transform(option.begin(), option.end(), option.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return std::string(kPrefix) + option;
}

/// Keeps the first option added under each name.
class Collected {
 public:
  void add(const std::string& name, const std::string& value, const std::string& source) {
    if (!options_.contains(name)) set(name, value, source);
  }
  /// Replaces any earlier option of this name.
  void set(const std::string& name, const std::string& value, const std::string& source) {
    options_[name] = {name, value, source};
    levels_[name] = level_;
  }
  [[nodiscard]] const GivenOption* find(const std::string& name) const {
    const auto found = options_.find(name);
    return found == options_.end() ? nullptr : &found->second;
  }
  /// Of two options that exclude each other, the one from the higher source hides the other.
  void keep_higher(const std::string& a, const std::string& b) {
    if (find(a) == nullptr || find(b) == nullptr || levels_[a] == levels_[b]) return;
    options_.erase(levels_[a] < levels_[b] ? b : a);
  }
  /// Options added from now on come from the next lower source.
  void next_source() { ++level_; }
  [[nodiscard]] std::vector<GivenOption> all() const {
    std::vector<GivenOption> options;
    for (const auto& [name, option] : options_) {
      if (name != kConfig) options.push_back(option);
    }
    return options;
  }

 private:
  std::map<std::string, GivenOption> options_;
  std::map<std::string, int> levels_;
  int level_ = 0;
};

[[noreturn]] void refuse_operand(const std::string& argument, const OptionTable& table) {
  constexpr std::size_t kShortestName = 3;  // a shorter name is close to any other
  const auto name = argument.substr(0, argument.find('='));
  const auto letter =
      std::find_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  const std::string bare(letter, name.end());
  const auto nearest =
      bare.size() < kShortestName ? std::nullopt : nearest_name(bare, option_names(table));
  throw UsageError(fmt::format(
      "'{}' is not an option{}", argument,
      nearest ? fmt::format("; did you mean '--{}'?", *nearest)
              : std::string(": every option starts with -- and a value follows its name")));
}

/// Throws for the first option that lacks its value, if there is one: the library would take the
/// next option as the value.
void refuse_missing_value(const OptionTable& table, const std::vector<std::string>& arguments) {
  const auto names = known_names(table);
  const auto name_in = [&](const std::string& argument) -> std::string {
    if (!argument.starts_with("--")) return {};
    const auto name = argument.substr(2, argument.find('=') - 2);
    return std::find(names.begin(), names.end(), name) == names.end() ? std::string() : name;
  };
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    const auto name = name_in(arguments[i]);
    if (name.empty() || arguments[i].find('=') != std::string::npos) continue;
    const auto* option = find_option(table, name);
    if (option != nullptr && option->binding.value_name.empty()) continue;
    const auto expected = option == nullptr ? std::string("a file") : option->binding.expected;
    if (i + 1 == arguments.size()) {
      throw UsageError(fmt::format("--{} needs a value: {}", name, expected));
    }
    if (!name_in(arguments[i + 1]).empty()) {
      throw UsageError(fmt::format("--{} needs a value, and {} follows it: give {}", name,
                                   arguments[i + 1], expected));
    }
  }
}

void read_command_line(const OptionTable& table, const std::vector<std::string>& arguments,
                       Collected& collected, std::vector<std::string>* operands) {
  namespace style = po::command_line_style;
  refuse_missing_value(table, arguments);
  const auto description = describe(table);
  try {
    const auto parsed =
        po::command_line_parser(arguments)
            .options(description)
            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
            .run();
    for (const auto& option : parsed.options) {
      // Where operands may follow, what comes after a flag is one; "--flag=off" gives it a value.
      const bool is_operand = option.string_key.empty();
      const bool took_operand =
          !is_operand && operands != nullptr && option.original_tokens.size() > 1 &&
          description.find(option.string_key, false).semantic()->min_tokens() == 0;
      if (is_operand && operands == nullptr) refuse_operand(option.value.front(), table);
      if (is_operand || took_operand) operands->push_back(option.value.front());
      if (is_operand) continue;
      const bool bare = option.value.empty() || took_operand;
      collected.set(option.string_key, bare ? "on" : option.value.front(),
                    "--" + option.string_key);
    }
  } catch (const po::unknown_option& error) {
    std::string name = error.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    name.erase(std::min(name.find('='), name.size()));
    throw UsageError(fmt::format("unknown option '--{}'{}", name, suggestion(name, table, "--")));
  } catch (const po::error_with_option_name& error) {
    throw UsageError(fmt::format("{} needs a value: {} VALUE", error.get_option_name(),
                                 error.get_option_name()));
  }
}

/// Compares without the prefix, which would make all names look alike.
std::optional<std::string> nearest_variable(const std::string& variable,
                                            std::vector<std::string> variables) {
  for (auto& name : variables) name.erase(0, kPrefix.size());
  const auto nearest = nearest_name(variable.substr(kPrefix.size()), variables);
  if (!nearest) return std::nullopt;
  return std::string(kPrefix) + *nearest;
}

void read_environment(const OptionTable& table, const std::vector<std::string>& environment,
                      const std::vector<std::string>& names_elsewhere, Collected& collected,
                      std::vector<std::string>& warnings) {
  std::map<std::string, std::string> options_by_variable;
  std::vector<std::string> variables(kOtherVariables.begin(), kOtherVariables.end());
  for (const auto& name : names_elsewhere) variables.push_back(variable_name(name));
  for (const auto& name : known_names(table)) {
    variables.push_back(variable_name(name));
    options_by_variable[variables.back()] = name;
  }
  for (const auto& entry : environment) {
    const auto equals = entry.find('=');
    const auto variable = entry.substr(0, equals);
    if (equals == entry.size() - 1) continue;  // set to nothing counts as not set
    if (!variable.starts_with(kPrefix) || equals == std::string::npos) continue;
    const auto option = options_by_variable.find(variable);
    if (option != options_by_variable.end()) {
      collected.add(option->second, entry.substr(equals + 1), variable);
    } else if (std::find(variables.begin(), variables.end(), variable) == variables.end() &&
               !is_of_a_service(variable, entry.substr(equals + 1))) {
      const auto nearest = nearest_variable(variable, variables);
      warnings.push_back(
          fmt::format("the environment variable {} is not an option of Lockstep{}", variable,
                      nearest ? fmt::format("; did you mean {}?", *nearest) : std::string()));
    }
  }
}

/// Read once: it may be a pipe.
std::string read_config_text(const GivenOption& config) {
  try {
    return read_input_file(config.value, kConfigLimitBytes);
  } catch (const RuntimeFailure& failure) {
    throw UsageError(fmt::format("{}: {}", config.source, failure.what()));
  }
}

void read_config_file(const OptionTable& table, const GivenOption& config,
                      const std::vector<std::string>& names_elsewhere, Collected& collected) {
  for (const auto& [name, value, source] :
       parse_config_file(table, read_config_text(config), config.value)) {
    if (find_option(table, name) != nullptr) {
      collected.add(name, value, source);
      continue;
    }
    // A run's record has all of train's options, even if the command takes only some of them.
    const bool is_record = source == config.value;
    const bool elsewhere =
        std::find(names_elsewhere.begin(), names_elsewhere.end(), name) != names_elsewhere.end();
    if (is_record && elsewhere) continue;
    throw UsageError(
        fmt::format("{}: unknown option '{}'{}", source, name, suggestion(name, table, "")));
  }
}

}  // namespace

std::vector<GivenOption> collect_options(const OptionTable& table,
                                         const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment,
                                         const std::vector<std::string>& names_elsewhere,
                                         std::vector<std::string>& warnings,
                                         std::vector<std::string>* operands, ConfigFile file) {
  Collected collected;
  read_command_line(table, arguments, collected, operands);
  collected.next_source();
  read_environment(table, environment, names_elsewhere, collected, warnings);
  collected.next_source();
  const auto* config = collected.find(kConfig);
  if (config != nullptr && file == ConfigFile::kRead) {
    const GivenOption expanded = {config->name, with_home_folder(config->value, environment),
                                  config->source};
    read_config_file(table, expanded, names_elsewhere, collected);
  }
  collected.keep_higher("batch-size", "global-batch-size");
  auto options = collected.all();
  for (auto& option : options) {
    if (find_option(table, option.name)->binding.is_path) {
      option.value = with_home_folder(option.value, environment);
    }
  }
  return options;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace lockstep::options
