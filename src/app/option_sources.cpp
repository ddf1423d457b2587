#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <lockstep/app/option_sources.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/nearest_name.hpp>

namespace lockstep::app {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kPrefix = "LOCKSTEP_";
constexpr const char* kConfig = "config";
constexpr std::uintmax_t kConfigLimitBytes = 1U << 20U;
// Variables that are not options: read elsewhere (launch/, error reports).
constexpr std::array kOtherVariables = {"LOCKSTEP_BACKTRACE"};

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

/// The first option with each name stays.
class Collected {
 public:
  void add(const std::string& name, const std::string& value, const std::string& source) {
    if (options_.contains(name)) return;
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

void read_command_line(const OptionTable& table, const std::vector<std::string>& arguments,
                       Collected& collected, std::vector<std::string>* operands) {
  namespace style = po::command_line_style;
  const auto description = describe(table);
  try {
    const auto parsed =
        po::command_line_parser(arguments)
            .options(description)
            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next)
            .run();
    for (const auto& option : parsed.options) {
      // Where operands may follow, what stands behind a flag is one; "--flag=off" gives it a value.
      const bool is_operand = option.string_key.empty();
      const bool took_operand =
          !is_operand && operands != nullptr && option.original_tokens.size() > 1 &&
          description.find(option.string_key, false).semantic()->min_tokens() == 0;
      if (is_operand && operands == nullptr) {
        throw UsageError(
            "an argument that is no option: every option starts with -- and a value follows its "
            "name");
      }
      if (is_operand || took_operand) operands->push_back(option.value.front());
      if (is_operand) continue;
      if (collected.find(option.string_key) != nullptr) {
        throw UsageError(fmt::format("--{} is given twice", option.string_key));
      }
      const bool bare = option.value.empty() || took_operand;
      collected.add(option.string_key, bare ? "on" : option.value.front(),
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
    if (equals == entry.size() - 1) continue;  // set to nothing: not set
    if (!variable.starts_with(kPrefix) || equals == std::string::npos) continue;
    const auto option = options_by_variable.find(variable);
    if (option != options_by_variable.end()) {
      collected.add(option->second, entry.substr(equals + 1), variable);
    } else if (std::find(variables.begin(), variables.end(), variable) == variables.end()) {
      const auto nearest = nearest_variable(variable, variables);
      warnings.push_back(
          fmt::format("the environment variable {} is no option of Lockstep{}", variable,
                      nearest ? fmt::format("; did you mean {}?", *nearest) : std::string()));
    }
  }
}

/// "train.conf:3" for the line that sets `name`.
std::string position_in(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (!line.starts_with(name)) continue;
    const auto next = line.find_first_not_of(" \t", name.size());
    if (next != std::string::npos && line[next] == '=') return fmt::format("{}:{}", path, number);
  }
  return path;
}

void read_config_file(const OptionTable& table, const GivenOption& config, Collected& collected) {
  const auto& path = config.value;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) {
    throw UsageError(fmt::format("{}: cannot read {}: {}", config.source, path, error.message()));
  }
  if (bytes > kConfigLimitBytes) {
    throw UsageError(
        fmt::format("{}: {} has {} bytes: not a configuration file", config.source, path, bytes));
  }
  std::ifstream file(path);
  if (!file) {
    throw UsageError(
        fmt::format("{}: cannot read {}: {}", config.source, path, system_error_text(errno)));
  }
  const auto names = option_names(table);
  Collected here;
  try {
    for (const auto& option : po::parse_config_file(file, describe(table), true).options) {
      const auto& name = option.string_key;
      const auto source = position_in(path, name);
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw UsageError(
            fmt::format("{}: unknown option '{}'{}", source, name, suggestion(name, table, "")));
      }
      if (here.find(name) != nullptr) {
        throw UsageError(fmt::format("{}: '{}' is set twice", path, name));
      }
      here.add(name, option.value.empty() ? "" : option.value.front(), source);
    }
  } catch (const po::error& problem) {
    throw UsageError(fmt::format("{}: {}; write 'name = value', one a line", path, problem.what()));
  }
  for (const auto& option : here.all()) collected.add(option.name, option.value, option.source);
}

}  // namespace

std::vector<GivenOption> collect_options(const OptionTable& table,
                                         const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment,
                                         const std::vector<std::string>& names_elsewhere,
                                         std::vector<std::string>& warnings,
                                         std::vector<std::string>* operands) {
  Collected collected;
  read_command_line(table, arguments, collected, operands);
  collected.next_source();
  read_environment(table, environment, names_elsewhere, collected, warnings);
  collected.next_source();
  if (const auto* config = collected.find(kConfig)) {
    read_config_file(table, GivenOption(*config), collected);
  }
  collected.keep_higher("batch-size", "global-batch-size");
  return collected.all();
}

std::vector<std::string> process_environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

}  // namespace lockstep::app
