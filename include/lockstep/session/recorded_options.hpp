// What a resumed run takes from its record.
#pragma once

#include <lockstep/session/given_options.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::session {

/// `train` with --resume: adds to the given options what they leave open and the run's own record
/// says, and notes what that is where it is no default, and what is given otherwise than recorded.
/// Given options win: one of two that exclude each other hides the other, and --epochs hides a
/// recorded --max-steps. Does nothing without --resume, or where no record lies beside what it
/// names. A record that cannot be used is a note.
void add_recorded_options(GivenOptions& given, const task::TaskFactory& make_task);

}  // namespace lockstep::session
