#include <functional>
#include <numeric>

#include <lockstep/data/sample_spec.hpp>

namespace lockstep::data {
namespace {

constexpr std::int64_t kClassesInAByte = 256;

std::int64_t product(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::size_t bytes_of(std::int64_t elements, torch::ScalarType type) {
  return static_cast<std::size_t>(elements) * torch::elementSize(type);
}

}  // namespace

std::int64_t InputSpec::elements() const {
  return product(shape);
}

torch::ScalarType InputSpec::network_type() const {
  return stays_integer ? torch::kInt64 : torch::kFloat32;
}

bool InputSpec::is_picture() const {
  return element_type == torch::kUInt8 && shape.size() == 3 && shape[0] == 1;
}

std::int64_t SampleSpec::outputs() const {
  if (const auto* classes = std::get_if<ClassTarget>(&target)) return classes->classes;
  return product(target_shape());
}

torch::ScalarType SampleSpec::target_type() const {
  const auto* classes = std::get_if<ClassTarget>(&target);
  if (classes == nullptr) return torch::kFloat32;
  return classes->classes <= kClassesInAByte ? torch::kUInt8 : torch::kInt64;
}

std::vector<std::int64_t> SampleSpec::target_shape() const {
  const auto* numbers = std::get_if<NumberTarget>(&target);
  return numbers == nullptr ? std::vector<std::int64_t>() : numbers->shape;
}

std::size_t SampleSpec::input_bytes() const {
  return bytes_of(input.elements(), input.element_type);
}

std::size_t SampleSpec::target_bytes() const {
  return bytes_of(product(target_shape()), target_type());
}

std::vector<std::string> class_names(const SampleSpec& spec, bool names_count) {
  const auto* classes = std::get_if<ClassTarget>(&spec.target);
  if (classes == nullptr) return {};
  if (names_count && !classes->names.empty()) return classes->names;
  std::vector<std::string> numbers;
  for (std::int64_t i = 0; i < classes->classes; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

}  // namespace lockstep::data
