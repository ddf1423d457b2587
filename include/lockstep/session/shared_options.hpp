// Options that several commands have, each bound to its variable.
#pragma once

#include <cstdint>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// The limit for one forward pass.
inline constexpr std::int64_t kMaxSamplesAPass = 1 << 20;

[[nodiscard]] options::Option test_samples_option(train::DataOptions& data);
[[nodiscard]] options::Option loss_option(train::ModelOptions& model);
[[nodiscard]] options::Option label_smoothing_option(train::ModelOptions& model);
[[nodiscard]] options::Option device_option(train::DistributionOptions& distribution);
[[nodiscard]] options::Option threads_option(train::DistributionOptions& distribution);
[[nodiscard]] options::Option test_batch_size_option(train::OutputOptions& output);
[[nodiscard]] options::Option backend_option(train::DistributionOptions& distribution);
[[nodiscard]] options::Option node_shared_option(train::DistributionOptions& distribution);
[[nodiscard]] options::Option collective_timeout_option(train::DistributionOptions& distribution);

/// `first`, then `more`.
[[nodiscard]] options::OptionGroup joined_group(const char* title,
                                                std::vector<options::Option> first,
                                                std::vector<options::Option> more);

}  // namespace lockstep::session
