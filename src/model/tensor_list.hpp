// Looking up tensors by name, and naming them to people.
#pragma once

#include <string>
#include <vector>

#include <lockstep/model/named_tensor.hpp>

namespace lockstep::model {

/// Null if there is none with this name.
[[nodiscard]] const NamedTensor* find_tensor(const std::vector<NamedTensor>& tensors,
                                             const std::string& name);
/// The first few of `texts`, and how many more there are.
[[nodiscard]] std::string listed(const std::vector<std::string>& texts);
/// "[512, 784]"
[[nodiscard]] std::string shape_text(const torch::Tensor& tensor);

}  // namespace lockstep::model
