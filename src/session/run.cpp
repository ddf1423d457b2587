#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include <lockstep/base/file.hpp>
#include <lockstep/runtime/process_start.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/run.hpp>
#include <lockstep/session/train_command.hpp>
#include <lockstep/session/version_text.hpp>

namespace lockstep {
namespace {

int train_task(const std::string& program, const session::Arguments& arguments,
               const task::TaskFactory& make_task) {
  if (!arguments.empty() && arguments.front() == "--version") {
    write_standard_output(session::version_text());
    return 0;
  }
  return session::train_command(
      {.command = program,
       .about = "Trains the task '" + make_task()->name() +
                "' with synchronous data parallelism: one replica\n"
                "per rank, with gradients summed over ranks before every step."},
      make_task, arguments);
}

}  // namespace

int run(int argc, char** argv, const task::TaskFactory& make_task) {
  runtime::occupy_closed_descriptors();
  if (runtime::prepare_environment()) {
    // By its path, which is what ps shows. If this fails, the program goes on with what its
    // libraries chose.
    std::error_code error;
    const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error) (void)::execv(own.c_str(), argv);
  }
  const session::Arguments arguments(argv + 1, argv + argc);
  const auto name = std::filesystem::path(argv[0]).filename().string();
  return session::run_program([&] { return train_task(name, arguments, make_task); });
}

int run(int argc, char** argv, const task::TaskParts& parts) {
  return session::run_program([&] { return run(argc, argv, task::make_factory(parts)); });
}

}  // namespace lockstep
