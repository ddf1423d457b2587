// Made-up data, as the options of the built-in task describe them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <lockstep/data/dataset.hpp>
#include <lockstep/task/builtin_task.hpp>

namespace lockstep::task {

/// As many samples as FashionMNIST has, or as fit in 1 GiB.
[[nodiscard]] std::unique_ptr<data::DatasetSource> make_synthetic_data(
    const SyntheticOptions& options);

}  // namespace lockstep::task
