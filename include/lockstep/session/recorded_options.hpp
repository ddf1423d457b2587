// The options that a resumed run takes from its record.
#pragma once

#include <lockstep/session/given_options.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::session {

/// For `train` with --resume: adds the options that were not given from the run's own record. Notes
/// which of these are not defaults, and which given options differ from the record. Given options
/// win: giving one of two options that exclude each other hides the other, and --epochs hides a
/// recorded --max-steps. Does nothing without --resume, or if no record lies beside what it names.
/// A record that cannot be used becomes a note.
void add_recorded_options(GivenOptions& given, const task::TaskFactory& make_task);

}  // namespace lockstep::session
