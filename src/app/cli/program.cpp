#include "cli/program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/nearest_name.hpp>
#include <lockstep/session/version_text.hpp>

#include "cli/command_list.hpp"

namespace lockstep::app {
namespace {

std::string help_text(const std::vector<Command>& commands) {
  std::string text = "Usage: lockstep COMMAND [options]\n\n";
  for (const auto& command : commands) {
    text += fmt::format("  {:<16} {}\n", command.name, command.summary);
  }
  text +=
      "\nlockstep COMMAND --help lists a command's options; lockstep --version shows the "
      "version.\n";
  return text;
}

std::string first_word(const std::string& name) {
  return name.substr(0, name.find(' '));
}

/// For `arguments` that begin with a word shared by several commands: `bench` allreduce, `bench`
/// step.
int run_one_of(const std::vector<Command>& commands, const Arguments& arguments) {
  const auto& word = arguments.front();
  std::vector<std::string> names;
  std::string list;
  for (const auto& command : commands) {
    const auto second = command.name.substr(word.size() + 1);
    if (arguments.size() > 1 && arguments[1] == second) {
      return command.run({arguments.begin() + 2, arguments.end()});
    }
    names.push_back(second);
    list += fmt::format("  {:<16} {}\n", command.name, command.summary);
  }
  if (session::asks_for_help(arguments)) {
    write_standard_output(fmt::format(
        "Usage: lockstep {} {} [options]\n\n{}\n--help after either lists its options.\n", word,
        fmt::join(names, "|"), list));
    return 0;
  }
  const bool names_one = arguments.size() > 1 && !arguments[1].starts_with("-");
  throw UsageError(
      fmt::format("{}: {}: give one of {}", word,
                  names_one ? fmt::format("unknown '{}'", arguments[1]) : std::string("which one?"),
                  fmt::join(names, ", ")));
}

}  // namespace

int run(const Arguments& arguments) {
  if (arguments.empty()) {
    throw UsageError("no command: lockstep --help lists them");
  }
  const auto& name = arguments.front();
  const auto commands = all_commands();
  if (name == "--help" || name == "-h" || name == "help") {
    write_standard_output(help_text(commands));
    return 0;
  }
  if (name == "--version") {
    write_standard_output(session::version_text());
    return 0;
  }
  std::vector<Command> named;
  std::vector<std::string> words;
  for (const auto& command : commands) {
    if (command.name == name) return command.run({arguments.begin() + 1, arguments.end()});
    words.push_back(first_word(command.name));
    if (words.back() == name) named.push_back(command);
  }
  if (!named.empty()) return run_one_of(named, arguments);
  const auto nearest = nearest_name(name, words);
  throw UsageError(fmt::format("unknown command '{}'{}", name,
                               nearest ? fmt::format("; did you mean '{}'?", *nearest)
                                       : std::string("; lockstep --help lists them")));
}

}  // namespace lockstep::app
