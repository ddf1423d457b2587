// The options of a job: read by one process, the same on every rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/job.hpp>

namespace lockstep::session {

/// What one process was given: options not yet checked, and remarks about them.
struct GivenOptions {
  std::vector<options::GivenOption> options{};
  std::vector<std::string> warnings{};
  std::vector<std::string> notes{};
};

/// Reads this process's command line, environment and configuration file. `names_elsewhere`:
/// options of the program's other commands, whose variables are not mistakes. Throws UsageError.
[[nodiscard]] GivenOptions read_options(const options::OptionTable& table,
                                        const std::vector<std::string>& arguments,
                                        const std::vector<std::string>& names_elsewhere);

/// Collective. Sets, on every rank, the options that `of_rank_0` returns; it is called on rank 0
/// alone. Only rank 0's are sure to be what the user typed (mpirun passes no variables to other
/// hosts).
void take_options(Job& job, const options::OptionTable& table,
                  const std::function<GivenOptions()>& of_rank_0);

}  // namespace lockstep::session
