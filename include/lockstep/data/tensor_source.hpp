// A data set of tensors that a program already has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// inputs [N, …] of any element type; labels [N], integers from 0.
struct Samples {
  torch::Tensor inputs;
  torch::Tensor labels;
};

/// A source of such samples, which are copied when they are requested. There are as many classes as
/// names or, without names, as the largest label implies. Networks get inputs as float32,
/// unchanged. Throws DataError for shapes, types or labels that do not fit together.
[[nodiscard]] std::unique_ptr<DatasetSource> make_tensor_source(
    const Samples& train, const Samples& test, std::vector<std::string> class_names = {},
    std::string description = "tensors");

}  // namespace lockstep::data
