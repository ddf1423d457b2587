// What a sample of a data set is: its shape, and how it is converted to numbers for a network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <torch/torch.h>

namespace lockstep::data {

/// An input of a network. As float32, an element is (value / divisor − mean) / deviation; token ids
/// and other integers that are no quantities stay as they are, as int64.
struct InputSpec {
  std::vector<std::int64_t> shape{};               ///< of one input: {1, 28, 28}
  torch::ScalarType element_type = torch::kUInt8;  ///< as it lies in memory
  bool stays_integer = false;
  double divisor = 1;
  std::vector<double> mean{};       ///< of each channel (the first dimension); empty: 0
  std::vector<double> deviation{};  ///< the same; empty: 1

  /// Elements of one input.
  [[nodiscard]] std::int64_t elements() const;
  /// What a network gets: kFloat32 or kInt64.
  [[nodiscard]] torch::ScalarType network_type() const;
  /// Grey values of a byte each: [1, height, width].
  [[nodiscard]] bool is_picture() const;
};

/// The target is one of several classes, stored as its index.
struct ClassTarget {
  std::int64_t classes = 0;
  std::vector<std::string> names{};  ///< of each class
};

/// The target is numbers, stored as float32.
struct NumberTarget {
  std::vector<std::int64_t> shape{};  ///< of one target
};

struct SampleSpec {
  InputSpec input{};
  std::variant<ClassTarget, NumberTarget> target{};

  /// How many numbers a network outputs for one input: one logit per class, or a target's numbers.
  [[nodiscard]] std::int64_t outputs() const;
  /// The type of a target in memory: kUInt8 for up to 256 classes, kInt64 for more, kFloat32 for
  /// numbers.
  [[nodiscard]] torch::ScalarType target_type() const;
  /// The shape of one target in memory: {} for a class.
  [[nodiscard]] std::vector<std::int64_t> target_shape() const;

  [[nodiscard]] std::size_t input_bytes() const;   ///< of one sample
  [[nodiscard]] std::size_t target_bytes() const;  ///< of one sample
};

/// What to call each class: its name, or its number where there are no names or they do not count.
/// Empty where targets are numbers.
[[nodiscard]] std::vector<std::string> class_names(const SampleSpec& spec, bool names_count = true);

}  // namespace lockstep::data
