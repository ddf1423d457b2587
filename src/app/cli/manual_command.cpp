#include <string>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/version.hpp>
#include <lockstep/session/command.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kManualUsage =
    "Usage: lockstep manual | man -l -\n\n"
    "Prints the manual page. Installed by the build as share/man/man1/lockstep.1.\n\n";

/// `text` as running text in a manual page (man(7), groff).
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  // A line that begins like this would be a request.
  return escaped.starts_with(".") || escaped.starts_with("'") ? "\\&" + escaped : escaped;
}

std::string section(const std::string& title, const std::string& body) {
  return fmt::format(".SH {}\n{}", title, body);
}

std::string item(const std::string& head, const std::string& body) {
  return fmt::format(".TP\n{}\n{}\n", head, roff(body));
}

std::string options_of(const options::OptionTable& table) {
  std::string text;
  for (const auto& group : table) {
    text += fmt::format(".PP\n.I {}\n", roff(group.title));
    for (const auto& option : group.options) {
      const auto& value = option.binding.value_name;
      auto head = fmt::format(R"(\fB\-\-{}\fP)", roff(option.name));
      if (!value.empty()) head += fmt::format(R"( \fI{}\fP)", roff(value));
      text += item(head, option.help);
    }
  }
  return text;
}

std::string commands_section(const std::vector<Command>& commands) {
  std::string text;
  for (const auto& command : commands) {
    const auto operands = command.operands.empty() ? "" : " " + command.operands;
    command.with_table([&](const options::OptionTable& table) {
      text += fmt::format(".SS \"lockstep {}{}{}\"\n{}\n", roff(command.name),
                          table.empty() ? "" : " [options]", roff(operands), roff(command.summary));
      text += options_of(table);
    });
  }
  return text;
}

std::string manual(const std::vector<Command>& commands) {
  auto text = fmt::format(".TH LOCKSTEP 1 \"\" \"lockstep {}\" \"User Commands\"\n", version());
  text += section("NAME", "lockstep \\- synchronous data\\-parallel training with MPI and NCCL\n");
  text += section("SYNOPSIS",
                  ".B mpirun \\-np\n.I N\n.B lockstep train\n[options]\n.br\n"
                  ".B lockstep\n.I command\n[options]\n");
  text += section(
      "DESCRIPTION",
      "Trains the network of PyTorch's tutorial on FashionMNIST. Each rank computes gradients\n"
      "on its share of each batch. They are all\\-reduced, then every rank takes the same step.\n"
      "Options come from the command line, then from the environment, then from the file that\n"
      ".B \\-\\-config\n"
      "names\n"
      "(name = value, one per line), then from the defaults.\n"
      ".B \\-\\-check\\-options\n"
      "checks them and exits.\n");
  text += section("COMMANDS", commands_section(commands));
  text += section("ENVIRONMENT",
                  item(R"(\fBLOCKSTEP_\fP\fIOPTION_NAME\fP)",
                       "the value of an option: LOCKSTEP_BATCH_SIZE=32") +
                      item(R"(\fBLOCKSTEP_BACKTRACE\fP)", "1: show a stack trace with an error") +
                      item(R"(\fBLOCKSTEP_CACHE_DIR\fP)",
                           "the folder of decoded pictures, $HOME/.cache/lockstep by default"));
  text += section(
      "EXIT STATUS",
      item("0", "done") + item("1", "failure at run time") +
          item("2", "wrong usage: the message names the option") +
          item("3", "data or a checkpoint is missing or damaged") +
          item("75", "stopped by a signal, the state is saved: continue with --resume auto"));
  text += section("FILES", item(R"(\fIruns/<time>\-<n>/\fP)",
                                "config.json, metrics.jsonl, checkpoints/, model.safetensors and "
                                "TensorBoard's event files of a run"));
  text += section("EXAMPLES",
                  item(R"(mpirun \-np 4 lockstep train \-\-epochs 10)", "four ranks of this host") +
                      item(R"(lockstep evaluate \-\-checkpoint model.safetensors)",
                           "test accuracy and loss of its weights"));
  return text;
}

int print_manual(const Arguments& operands) {
  if (!operands.empty()) throw UsageError("manual takes no arguments");
  write_standard_output(manual(all_commands()));
  return 0;
}

int run_manual(const Arguments& arguments) {
  return session::run_alone(make_command("manual", kManualUsage, {}), arguments, print_manual);
}

}  // namespace

Command manual_command() {
  return {.name = "manual",
          .operands = "",
          .summary = "this manual, for man: lockstep manual | man -l -",
          .with_table = [](const TableUser& use) { use({}); },
          .run = run_manual};
}

}  // namespace lockstep::app
