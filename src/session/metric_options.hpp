// Options that name a metric of the evaluations.
#pragma once

#include <lockstep/options/option_table.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

[[nodiscard]] options::Option keep_best_option(train::OutputOptions& output);
[[nodiscard]] options::Option early_stop_option(train::OptimizationOptions& optimization);

}  // namespace lockstep::session
