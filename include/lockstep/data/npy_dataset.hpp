// Data in NumPy's files.
#pragma once

#include <filesystem>
#include <memory>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// True if `folder` has one of the four files.
[[nodiscard]] bool has_npy_files(const std::filesystem::path& folder);

/// train_inputs.npy, train_targets.npy, test_inputs.npy and test_targets.npy in `folder`, the first
/// dimension of each being that of its samples. Inputs of bytes become float32 / 255, of floats
/// float32; other integers stay (int64), as token ids want. Targets of integers [N] are classes
/// from 0; of floats [N] or [N, …] they are numbers. Throws DataError naming the file.
[[nodiscard]] std::unique_ptr<DatasetSource> open_npy_dataset(const std::filesystem::path& folder);

}  // namespace lockstep::data
