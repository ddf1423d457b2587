#include <algorithm>
#include <sstream>

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/option_table.hpp>

namespace lockstep::options {
namespace {

constexpr unsigned kHelpColumns = 100;

}  // namespace

std::vector<std::string> option_names(const OptionTable& table) {
  std::vector<std::string> names;
  for (const auto& group : table) {
    for (const auto& option : group.options) names.push_back(option.name);
  }
  return names;
}

const Option* find_option(const OptionTable& table, const std::string& name) {
  for (const auto& group : table) {
    const auto found = std::find_if(group.options.begin(), group.options.end(),
                                    [&](const Option& option) { return option.name == name; });
    if (found != group.options.end()) return &*found;
  }
  return nullptr;
}

void apply_options(const OptionTable& table, const std::vector<GivenOption>& given) {
  for (const auto& [name, value, source] : given) {
    const auto* option = find_option(table, name);
    if (option == nullptr) throw UsageError(fmt::format("unknown option '--{}'", name));
    if (!option->binding.set(value)) {
      throw UsageError(fmt::format("{}: '{}' is not {}", source, value, option->binding.expected));
    }
  }
}

std::string record_name(std::string option) {
  std::replace(option.begin(), option.end(), '-', '_');
  return option;
}

std::string option_name(std::string recorded) {
  std::replace(recorded.begin(), recorded.end(), '_', '-');
  return recorded;
}

std::string typed_text(const nlohmann::json& value) {
  if (value.is_null()) return {};
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const auto& item : value) text += fmt::format("{}{}", text.empty() ? "" : ",", item.dump());
  return text;
}

nlohmann::ordered_json current_values(const OptionTable& table) {
  auto values = nlohmann::ordered_json::object();
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      values[record_name(option.name)] = option.binding.get();
    }
  }
  return values;
}

Effects effects_of(const OptionTable& table) {
  Effects effects;
  for (const auto& group : table) {
    for (const auto& option : group.options) effects[record_name(option.name)] = option.effect;
  }
  return effects;
}

std::string help_text(const OptionTable& table) {
  namespace po = boost::program_options;
  po::options_description all(kHelpColumns);
  for (const auto& group : table) {
    po::options_description section(group.title, kHelpColumns);
    for (const auto& option : group.options) {
      const auto& value_name = option.binding.value_name;
      if (value_name.empty()) {
        section.add_options()(option.name.c_str(), option.help.c_str());
      } else {
        section.add_options()(option.name.c_str(), po::value<std::string>()->value_name(value_name),
                              option.help.c_str());
      }
    }
    all.add(section);
  }
  std::ostringstream out;
  out << all;
  return out.str();
}

}  // namespace lockstep::options
