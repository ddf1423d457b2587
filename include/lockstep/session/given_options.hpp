// The options of a job: read by one process, the same on every rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/job.hpp>

namespace lockstep::session {

/// What one process was told: options not yet checked, and what to say of them.
struct GivenOptions {
  std::vector<options::GivenOption> options{};
  std::vector<std::string> warnings{};
  std::vector<std::string> notes{};
};

/// This process's command line, environment and configuration file. `names_elsewhere`: options of
/// the program's other commands, whose variables are no mistakes. Throws UsageError.
[[nodiscard]] GivenOptions read_options(const options::OptionTable& table,
                                        const std::vector<std::string>& arguments,
                                        const std::vector<std::string>& names_elsewhere);

/// Collective. Sets the options that `of_rank_0`, called on rank 0 alone, returns there: rank 0's
/// alone are sure to be what the user typed (mpirun passes no variables to other hosts).
void take_options(Job& job, const options::OptionTable& table,
                  const std::function<GivenOptions()>& of_rank_0);

}  // namespace lockstep::session
