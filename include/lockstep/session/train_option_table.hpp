// The options of `train`, and of commands that share groups with it, bound to their structs.
#pragma once

#include <lockstep/options/option_table.hpp>
#include <lockstep/task/task.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// Every option of `train`, the task's among them; both must outlive the table.
[[nodiscard]] options::OptionTable train_option_table(train::TrainOptions& options,
                                                      task::Task& task);

/// What decides how a step is computed, and how long it takes; not how many there are.
[[nodiscard]] options::OptionTable step_option_table(train::TrainOptions& options,
                                                     task::Task& task);

/// What decides how ranks communicate.
[[nodiscard]] options::OptionGroup communicator_group(train::DistributionOptions& distribution);

}  // namespace lockstep::session
