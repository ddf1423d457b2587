#include "service_variables.hpp"

#include <regex>

namespace lockstep::options {

bool is_of_a_service(const std::string& variable, const std::string& value) {
  constexpr std::size_t kLongestName = 200;  // the expression recurses
  if (variable.size() > kLongestName) return false;
  static const std::regex by_name(
      "LOCKSTEP(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?"
      "|PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)");
  if (std::regex_match(variable, by_name)) return true;
  return variable.starts_with("LOCKSTEP") && variable.ends_with("_PORT") &&
         (value.starts_with("tcp://") || value.starts_with("udp://") ||
          value.starts_with("sctp://"));
}

}  // namespace lockstep::options
