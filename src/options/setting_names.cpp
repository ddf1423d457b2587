#include <lockstep/options/option_table.hpp>
#include <lockstep/options/setting_names.hpp>

namespace lockstep::options {

std::string with_options(const std::string& message, const Settings& settings) {
  if (settings.empty()) return message;
  std::string names;
  for (const auto& setting : settings) {
    names += (names.empty() ? "--" : ", --") + option_name(setting);
  }
  return message + " (" + names + ")";
}

}  // namespace lockstep::options
