// Made-up samples, for runs without a data set.
#pragma once

#include <cstdint>
#include <memory>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// Learnable noise: each class has a fixed random pattern, each image is its class's pattern with
/// noise. A pure function of `seed`, the sample's position and the pixel's: the same on all ranks.
/// `spec`: inputs of bytes, targets that are classes.
[[nodiscard]] std::unique_ptr<DatasetSource> make_synthetic(const SampleSpec& spec,
                                                            std::int64_t train_samples,
                                                            std::int64_t test_samples,
                                                            std::uint64_t seed);

}  // namespace lockstep::data
