#include <bit>
#include <cstddef>
#include <span>

#include <lockstep/base/sha256.hpp>
#include <lockstep/model/named_tensor.hpp>

namespace lockstep::model {
namespace {

static_assert(std::endian::native == std::endian::little,
              "weights are hashed and stored as they lie in memory");

std::vector<NamedTensor> collect(const torch::OrderedDict<std::string, torch::Tensor>& tensors) {
  std::vector<NamedTensor> collected;
  for (const auto& item : tensors) collected.push_back({item.key(), item.value()});
  return collected;
}

}  // namespace

std::vector<NamedTensor> named_parameters(const torch::nn::Module& module) {
  return collect(module.named_parameters());
}

std::vector<NamedTensor> named_buffers(const torch::nn::Module& module) {
  return collect(module.named_buffers());
}

std::vector<NamedTensor> named_state(const torch::nn::Module& module) {
  auto state = named_parameters(module);
  for (auto& buffer : named_buffers(module)) state.push_back(std::move(buffer));
  return state;
}

std::string parameters_sha256(const torch::nn::Module& module) {
  Sha256 digest;
  const auto add = [&](const torch::Tensor& tensor) {
    const auto values = tensor.contiguous();
    digest.update({static_cast<const std::byte*>(values.data_ptr()), values.nbytes()});
  };
  for (const auto& parameter : named_parameters(module)) {
    add(parameter.value.detach().to(torch::kCPU, torch::kFloat32));
  }
  for (const auto& buffer : named_buffers(module)) add(buffer.value.to(torch::kCPU));
  return to_hex(digest.finish());
}

}  // namespace lockstep::model
