#include <array>
#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/job.hpp>
#include <lockstep/app/version_text.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/base/nearest_name.hpp>
#include <lockstep/comm/agreement.hpp>

namespace {

using lockstep::app::Arguments;

struct Command {
  std::string name;
  std::string help;
  int (*run)(const Arguments&);
};

const std::array kCommands = {
    Command{"train", "train with one replica a rank: mpirun -np N lockstep train",
            lockstep::app::train_command},
    Command{"evaluate", "test accuracy and loss of saved weights", lockstep::app::evaluate_command},
    Command{"bench", "time an all-reduce by size, or a training step by part",
            lockstep::app::bench_command},
    Command{"compare", "whether two runs are identical, else where they part",
            lockstep::app::compare_command},
    Command{"report", "tables, plots and a page of how training scales, from a sweep",
            lockstep::app::report_command},
    Command{"doctor", "what this machine and launcher are, and what is wrong with them",
            lockstep::app::doctor_command}};

void print_help() {
  fmt::print("Usage: lockstep COMMAND [options]\n\n");
  for (const auto& command : kCommands) fmt::print("  {:<10} {}\n", command.name, command.help);
  fmt::print(
      "\nlockstep COMMAND --help lists a command's options; lockstep --version what this is.\n");
}

int run(const Arguments& arguments) {
  if (arguments.empty()) {
    throw lockstep::UsageError("no command: lockstep --help lists them");
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    print_help();
    return 0;
  }
  if (name == "--version") {
    fmt::print("{}", lockstep::app::version_text());
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& command : kCommands) {
    if (command.name == name) return command.run({arguments.begin() + 1, arguments.end()});
    names.push_back(command.name);
  }
  const auto nearest = lockstep::nearest_name(name, names);
  throw lockstep::UsageError(fmt::format("unknown command '{}'{}", name,
                                         nearest ? fmt::format("; did you mean '{}'?", *nearest)
                                                 : std::string("; lockstep --help lists them")));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(Arguments(argv + 1, argv + argc));
  } catch (...) {
    // Under mpirun every rank comes here; through a job, one of them speaks.
    const auto failure = std::current_exception();
    try {
      return lockstep::app::run_job([&](lockstep::app::Job& job) {
        lockstep::comm::agree(*job.control, job.layout, failure);
      });
    } catch (...) {
      const auto described = lockstep::comm::describe_failure(failure);
      lockstep::Log(lockstep::Log::Level::kWarning).error(described.message);
      return static_cast<int>(described.code);
    }
  }
}
