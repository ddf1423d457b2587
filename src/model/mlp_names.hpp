// The names of a multi-layer perceptron's parameters, which files are known by.
#pragma once

namespace lockstep::model {

/// The names of all of its parameters begin so.
inline constexpr const char* kLayerPrefix = "linear_relu_stack.";

}  // namespace lockstep::model
