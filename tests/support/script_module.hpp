// TorchScript modules made without Python, as the bytes of their files.
#pragma once

#include <sstream>
#include <string>

#include <torch/script.h>

namespace lockstep::tests {

inline std::string bytes_of(const torch::jit::Module& module) {
  std::ostringstream stream;
  module.save(stream);
  return stream.str();
}

/// x [B, inputs] → scale · (x · weightᵀ + bias), with a submodule `layer` and a buffer `calls` that
/// counts forward passes while training.
inline torch::jit::Module linear_script(std::int64_t inputs, std::int64_t outputs) {
  torch::jit::Module layer("Layer");
  layer.register_parameter("weight", torch::randn({outputs, inputs}) * 0.1, false);
  layer.register_parameter("bias", torch::zeros({outputs}), false);
  layer.define("def forward(self, x):\n  return torch.linear(x, self.weight, self.bias)\n");
  torch::jit::Module module("Net");
  module.register_attribute("training", c10::BoolType::get(), true);
  module.register_parameter("scale", torch::ones({}), false);
  module.register_buffer("calls", torch::zeros({}));
  module.register_module("layer", layer);
  module.define(
      "def forward(self, x):\n"
      "  if self.training:\n"
      "    self.calls.add_(1.0)\n"
      "  return self.scale * self.layer.forward(torch.flatten(x, 1))\n");
  for (const auto& parameter : module.parameters()) {
    torch::Tensor(parameter).set_requires_grad(true);
  }
  return module;
}

}  // namespace lockstep::tests
