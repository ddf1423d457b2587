// What a resumed run takes from its record.
#pragma once

#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::app {

/// `train` with --resume: adds to `given` what it leaves open and the run's own record says, and
/// says in `notes` what that is where it is no default, and what is given otherwise than recorded.
/// Given options win: one of two that exclude each other hides the other, and --epochs hides a
/// recorded --max-steps. Does nothing without --resume, or where no record lies beside what it
/// names. A record that cannot be used is a note.
void add_recorded_options(std::vector<options::GivenOption>& given,
                          std::vector<std::string>& notes);

}  // namespace lockstep::app
