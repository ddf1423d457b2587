// Two files' tensors, bit for bit.
#pragma once

#include <filesystem>
#include <string>

#include <lockstep/train/run_comparison.hpp>

namespace lockstep::train {

/// Compares a/file with b/file. Throws DataError naming the file that is missing or damaged.
[[nodiscard]] WeightsComparison compare_weights(const std::filesystem::path& a,
                                                const std::filesystem::path& b,
                                                const std::string& file, std::int64_t step);

}  // namespace lockstep::train
