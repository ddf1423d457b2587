#include <algorithm>

#include <lockstep/app/commands.hpp>

namespace lockstep::app {

bool asks_for_help(const Arguments& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
}

}  // namespace lockstep::app
