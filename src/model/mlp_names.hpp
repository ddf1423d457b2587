// The names of a multi-layer perceptron's parameters, by which files are recognised.
#pragma once

namespace lockstep::model {

/// The prefix of the names of all its parameters.
inline constexpr const char* kLayerPrefix = "linear_relu_stack.";

}  // namespace lockstep::model
