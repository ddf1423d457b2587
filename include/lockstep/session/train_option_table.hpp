// The options of `train`, and of commands that share groups with it, bound to their structs.
#pragma once

#include <lockstep/options/option_table.hpp>
#include <lockstep/task/task.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// Every option of `train`, including the task's; both arguments must outlive the table.
[[nodiscard]] options::OptionTable train_option_table(train::TrainOptions& options,
                                                      task::Task& task);

/// The options that determine how a step is computed and how long it takes, but not the number of
/// steps.
[[nodiscard]] options::OptionTable step_option_table(train::TrainOptions& options,
                                                     task::Task& task);

/// The options that determine how ranks communicate.
[[nodiscard]] options::OptionGroup communicator_group(train::DistributionOptions& distribution);

}  // namespace lockstep::session
