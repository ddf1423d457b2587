#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/session/command.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kCompletionUsage =
    "Usage: lockstep completion bash|zsh\n\n"
    "Prints a script that lets the shell complete commands, options and their values:\n\n"
    "  lockstep completion bash > ~/.local/share/bash-completion/completions/lockstep\n"
    "  lockstep completion zsh > DIR/_lockstep        # a DIR of $fpath\n\n";

constexpr const char* kBash = R"(# bash completion of lockstep, by lockstep completion bash
_lockstep() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local candidates=''
  COMPREPLY=()
  if [[ $previous == = ]]; then previous=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  if [[ $current == = ]]; then previous=${{COMP_WORDS[COMP_CWORD-1]}} current=''; fi
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{commands} --help --version' -- "$current")
    return
  fi
  if [[ $command == bench ]]; then
    if ((COMP_CWORD == 2)); then mapfile -t COMPREPLY < <(compgen -W 'allreduce step' -- "$current") && return; fi
    command="bench ${{COMP_WORDS[2]}}"
  fi
  case "$command $previous" in
{values}  esac
  if [[ -n $candidates ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
    return
  fi
  case $command in
{options}    completion) candidates='bash zsh' ;;
  esac
  if [[ $current == -* || $command == completion ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
}}
complete -F _lockstep lockstep
)";

/// The values in a value name such as "auto/on/off"; none for one such as "FILE".
std::vector<std::string> values_of(const options::Option& option) {
  const auto& name = option.binding.value_name;
  std::vector<std::string> values;
  if (name.find('/') == std::string::npos) return values;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const auto end = std::min(name.find('/', begin), name.size());
    const auto value = name.substr(begin, end - begin);
    const bool literal = value.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
    if (literal) values.push_back(value);
    begin = end + 1;
  }
  return values;
}

bool takes_a_file(const options::Option& option) {
  const auto& name = option.binding.value_name;
  return name.find("FILE") != std::string::npos || name == "DIR";
}

std::vector<std::string> first_words(const std::vector<Command>& commands) {
  std::vector<std::string> words;
  for (const auto& command : commands) {
    const auto word = command.name.substr(0, command.name.find(' '));
    if (words.empty() || words.back() != word) words.push_back(word);
  }
  return words;
}

/// The branch of bash's `case` that completes the value of an option; empty for a flag.
std::string bash_values(const std::string& command, const options::Option& option) {
  const auto pattern = fmt::format("'{} --{}'", command, option.name);
  if (const auto all = values_of(option); !all.empty()) {
    return fmt::format("    {}) candidates='{}' ;;\n", pattern, fmt::join(all, " "));
  }
  if (takes_a_file(option)) {
    return fmt::format(
        "    {}) mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); compopt -o filenames "
        "2>/dev/null; "
        "return ;;\n",
        pattern);
  }
  if (option.binding.value_name.empty()) return {};
  return fmt::format("    {}) return ;;\n", pattern);  // a number: nothing to offer
}

std::string bash_script(const std::vector<Command>& commands) {
  std::string values;
  std::string options;
  for (const auto& command : commands) {
    command.with_table([&](const options::OptionTable& table) {
      if (table.empty()) return;
      std::vector<std::string> names = {"--help", "--config", "--check-options"};
      values += fmt::format(
          "    '{} --config') mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n",
          command.name);
      for (const auto& group : table) {
        for (const auto& option : group.options) {
          names.push_back("--" + option.name);
          values += bash_values(command.name, option);
        }
      }
      options += fmt::format("    '{}') candidates='{}' ;;\n", command.name, fmt::join(names, " "));
    });
  }
  return fmt::format(kBash, fmt::arg("commands", fmt::join(first_words(commands), " ")),
                     fmt::arg("values", values), fmt::arg("options", options));
}

/// `text` within single quotes, for zsh's _arguments.
std::string for_arguments(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      escaped += '\\';
      escaped += c;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string zsh_arguments(const Command& command, const options::OptionTable& table) {
  std::string text =
      "    '--help[list the options]' '--config=[a file with options]:file:_files'"
      " '--check-options[check the options and end]'";
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      const auto& value = option.binding.value_name;
      std::string action = fmt::format(":{}:", for_arguments(value));
      if (const auto all = values_of(option); !all.empty()) {
        action += fmt::format("({})", fmt::join(all, " "));
      } else if (takes_a_file(option)) {
        action += "_files";
      }
      text += fmt::format(" \\\n    '--{}{}[{}]{}'", option.name, value.empty() ? "" : "=",
                          for_arguments(option.help), value.empty() ? "" : action);
    }
  }
  if (!command.operands.empty()) text += " \\\n    '*:file:_files'";
  return text;
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::string text =
      "#compdef lockstep\n# zsh completion of lockstep, by lockstep completion zsh\n"
      "local -a commands=(\n";
  for (const auto& word : first_words(commands)) {
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const auto& command) {
      return command.name.starts_with(word);
    });
    text += fmt::format("  '{}:{}'\n", word, for_arguments(found->summary));
  }
  text +=
      ")\nif ((CURRENT == 2)); then\n  _describe command commands\n  return\nfi\n"
      "local command=${words[2]} skip=1\n"
      "if [[ $command == bench ]]; then\n"
      "  if ((CURRENT == 3)); then compadd allreduce step; return; fi\n"
      "  command=\"bench ${words[3]}\" skip=2\nfi\n"
      "words=(\"${(@)words[1+skip,-1]}\")\n((CURRENT -= skip))\ncase $command in\n";
  for (const auto& command : commands) {
    command.with_table([&](const options::OptionTable& table) {
      if (table.empty()) return;
      text += fmt::format("  '{}') _arguments -S \\\n{} ;;\n", command.name,
                          zsh_arguments(command, table));
    });
  }
  return text + "  completion) compadd bash zsh ;;\nesac\n";
}

int print_completion(const Arguments& shells) {
  const auto wrong = "completion takes the shell's name: lockstep completion bash, or zsh";
  if (shells.size() != 1) throw UsageError(wrong);
  const auto commands = all_commands();
  std::string script;
  if (shells[0] == "bash") {
    script = bash_script(commands);
  } else if (shells[0] == "zsh") {
    script = zsh_script(commands);
  } else {
    throw UsageError(wrong);
  }
  write_standard_output(script);
  return 0;
}

int run_completion(const Arguments& arguments) {
  return session::run_alone(make_command("completion", kCompletionUsage, {}), arguments,
                            print_completion);
}

}  // namespace

Command completion_command() {
  return {.name = "completion",
          .operands = "bash|zsh",
          .summary = "a script that lets the shell complete commands and options",
          .with_table = [](const TableUser& use) { use({}); },
          .run = run_completion};
}

}  // namespace lockstep::app
