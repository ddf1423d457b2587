#include <algorithm>

#include <lockstep/options/setting_names.hpp>

namespace lockstep::options {

std::string option_of_setting(const std::string& setting) {
  auto name = setting;
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::string with_options(const std::string& message, const Settings& settings) {
  if (settings.empty()) return message;
  std::string names;
  for (const auto& setting : settings) {
    names += (names.empty() ? "" : ", ") + option_of_setting(setting);
  }
  return message + " (" + names + ")";
}

}  // namespace lockstep::options
