#include "tensor_comparison.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/sha256.hpp>
#include <lockstep/model/safetensors.hpp>

namespace lockstep::train {
namespace {

using Tensors = std::vector<model::NamedTensor>;

bool is_parameter(const model::NamedTensor& tensor) {
  return !tensor.name.starts_with("optimizer.");
}

Tensors read_parameters_first(const std::filesystem::path& path) {
  auto tensors = model::read_safetensors(path);
  std::stable_partition(tensors.begin(), tensors.end(), is_parameter);
  return tensors;
}

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

std::span<const float> values_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

double distance(float a, float b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::infinity();
  return std::abs(static_cast<double>(a) - static_cast<double>(b));
}

std::vector<std::int64_t> index_at(std::int64_t position, const torch::Tensor& tensor) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(tensor.dim()));
  for (auto axis = tensor.dim(); axis-- > 0; position /= tensor.size(axis)) {
    index[static_cast<std::size_t>(axis)] = position % tensor.size(axis);
  }
  return index;
}

TensorDifference without_values(const std::string& name, std::string unlike) {
  return {.tensor = name, .unlike = std::move(unlike)};
}

/// Compares two tensors of one shape and type; nothing if all bits are equal.
std::optional<TensorDifference> compare_values(const std::string& name, const torch::Tensor& a,
                                               const torch::Tensor& b) {
  const auto bytes = bytes_of(a);
  if (bytes.empty() || std::memcmp(bytes.data(), bytes_of(b).data(), bytes.size()) == 0) {
    return std::nullopt;
  }
  if (a.scalar_type() != torch::kFloat32) {
    return without_values(name,
                          fmt::format("other values of type {}", model::element_type_name(a)));
  }
  const auto left = values_of(a);
  const auto right = values_of(b);
  TensorDifference found{.tensor = name, .values = a.numel()};
  std::size_t where = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(left[i]) == std::bit_cast<std::uint32_t>(right[i])) continue;
    const auto apart = distance(left[i], right[i]);
    if (found.differing == 0 || apart > found.largest) {
      where = i;
      found.largest = apart;
    }
    ++found.differing;
  }
  found.index = index_at(static_cast<std::int64_t>(where), a);
  found.a = left[where];
  found.b = right[where];
  return found;
}

const torch::Tensor* find_tensor(const Tensors& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const auto& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &found->value;
}

/// The differences in the order of `a`, followed by what only `b` has.
std::vector<TensorDifference> compare_tensors(const Tensors& a, const Tensors& b) {
  std::vector<TensorDifference> differences;
  for (const auto& [name, left] : a) {
    const auto* right = find_tensor(b, name);
    if (right == nullptr) {
      differences.push_back(without_values(name, "only in the first run"));
    } else if (left.sizes() != right->sizes()) {
      differences.push_back(
          without_values(name, fmt::format("shape [{}] against [{}]", fmt::join(left.sizes(), ", "),
                                           fmt::join(right->sizes(), ", "))));
    } else if (left.scalar_type() != right->scalar_type()) {
      differences.push_back(
          without_values(name, fmt::format("type {} against {}", model::element_type_name(left),
                                           model::element_type_name(*right))));
    } else if (auto values = compare_values(name, left, *right)) {
      differences.push_back(*std::move(values));
    }
  }
  for (const auto& [name, right] : b) {
    if (find_tensor(a, name) == nullptr) {
      differences.push_back(without_values(name, "only in the second run"));
    }
  }
  return differences;
}

std::string sha256_of_parameters(const Tensors& tensors) {
  Sha256 digest;
  for (const auto& tensor : tensors) {
    if (is_parameter(tensor)) digest.update(bytes_of(tensor.value));
  }
  return to_hex(digest.finish());
}

}  // namespace

WeightsComparison compare_weights(const std::filesystem::path& a, const std::filesystem::path& b,
                                  const std::string& file, std::int64_t step) {
  const auto left = read_parameters_first(a / file);
  const auto differences = compare_tensors(left, read_parameters_first(b / file));
  WeightsComparison comparison{.file = file,
                               .step = step,
                               .tensors = static_cast<std::int64_t>(left.size()),
                               .differing = static_cast<std::int64_t>(differences.size())};
  if (differences.empty()) {
    comparison.sha256 = sha256_of_parameters(left);
  } else {
    comparison.first = differences.front();
  }
  return comparison;
}

}  // namespace lockstep::train
