#include "cli/program.hpp"

int main(int argc, char** argv) {
  return lockstep::session::run_program(
      [&] { return lockstep::app::run(lockstep::app::Arguments(argv + 1, argv + argc)); });
}
