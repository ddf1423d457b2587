#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/script_network.hpp>

namespace lockstep::model {
namespace {

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

/// What a failing module says at the end of TorchScript's traceback.
std::string reason_in(std::string_view traceback) {
  constexpr std::string_view kReason = "RuntimeError: ";
  const auto found = traceback.rfind(kReason);
  return first_line(found == std::string_view::npos ? traceback
                                                    : traceback.substr(found + kReason.size()));
}

[[noreturn]] void refuse_module(const std::string& name, std::string_view complaint) {
  constexpr std::string_view kUnknown = "Unknown builtin op: ";
  if (const auto found = complaint.find(kUnknown); found != std::string_view::npos) {
    auto operation = first_line(complaint.substr(found + kUnknown.size()));
    if (operation.ends_with('.')) operation.pop_back();
    throw DataError(fmt::format(
        "{}: the module uses {}, which LibTorch {} does not have: build Lockstep with a "
        "newer LibTorch, 2.x",
        name, operation, TORCH_VERSION));
  }
  throw DataError(
      fmt::format("{}: not a TorchScript module, as torch.jit.script(module).save(...) "
                  "writes it: {}",
                  name, first_line(complaint)));
}

torch::jit::Module load_module(const std::string& bytes, const std::string& name) {
  try {
    std::istringstream stream(bytes);
    return torch::jit::load(stream, torch::Device(torch::kCPU));
  } catch (const c10::Error& error) {
    refuse_module(name, error.what_without_backtrace());
  } catch (const std::exception& error) {
    refuse_module(name, error.what());
  }
}

/// Others read and write the elements as they lie in memory.
void make_contiguous(const torch::Tensor& tensor) {
  if (!tensor.is_contiguous()) tensor.set_data(tensor.detach().contiguous());
}

/// Registers the tensors of a TorchScript module as a module of LibTorch's C++ has them, so that
/// whoever trains, moves or saves these finds them. Both then hold the same tensors.
void share_tensors(const torch::jit::Module& from, torch::nn::Module& to) {
  for (const auto& [name, value] : from.named_parameters(/*recurse=*/false)) {
    make_contiguous(value);
    to.register_parameter(name, value, value.requires_grad());
  }
  for (const auto& [name, value] : from.named_buffers(/*recurse=*/false)) {
    make_contiguous(value);
    to.register_buffer(name, value);
  }
  for (const auto& [name, child] : from.named_children()) {
    auto part = std::make_shared<torch::nn::Module>();
    share_tensors(child, *part);
    to.register_module(name, part);
  }
}

void require_separate_parameters(const torch::nn::Module& network, const std::string& file) {
  const auto parameters = network.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!parameters[i].value().is_alias_of(parameters[j].value())) continue;
      throw DataError(
          fmt::format("{}: the parameters '{}' and '{}' share their memory, which is not "
                      "supported",
                      file, parameters[j].key(), parameters[i].key()));
    }
  }
}

/// Files of weights hold no complex numbers, and sums over ranks would lose half of them.
void require_real_buffers(const torch::nn::Module& network, const std::string& file) {
  for (const auto& buffer : network.named_buffers()) {
    if (!buffer.value().is_complex()) continue;
    throw DataError(fmt::format("{}: the buffer '{}' holds complex numbers, which is not supported",
                                file, buffer.key()));
  }
}

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(std::string bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)), module_(load_module(bytes_, name_)) {
    share_tensors(module_, *this);
    require_separate_parameters(*this, name_);
    require_real_buffers(*this, name_);
    remember_buffers(module_);
  }

  void train(bool on = true) override {
    Network::train(on);
    module_.train(on);
  }

  torch::Tensor forward(const torch::Tensor& inputs) override {
    const torch::jit::GraphOptimizerEnabledGuard as_it_stands(false);
    try {
      const auto outputs = module_.forward({inputs});
      take_assigned_buffers();
      if (outputs.isTensor()) return outputs.toTensor();
    } catch (const std::exception& error) {
      if (is_about_memory(error.what())) throw;
      throw DataError(fmt::format("{}: the module fails: {}", name_, reason_in(error.what())));
    }
    throw DataError(fmt::format("{}: the module gives no tensor", name_));
  }

  // Of a module made anew: this one's parameters are views of one large tensor, or on a device.
  [[nodiscard]] std::string script() const override {
    const torch::NoGradGuard no_gradients;
    const ScriptNetwork copy(bytes_, name_);
    const auto from = named_state(*this);
    const auto to = named_state(copy);
    for (std::size_t i = 0; i < from.size(); ++i) torch::Tensor(to[i].value).copy_(from[i].value);
    std::ostringstream stream;
    copy.module_.save(stream);
    return stream.str();
  }

 private:
  struct Buffer {
    torch::jit::Module owner;
    std::string name;
    torch::Tensor value;
  };

  void remember_buffers(const torch::jit::Module& module) {
    for (const auto& [name, value] : module.named_buffers(/*recurse=*/false)) {
      assigned_.push_back({module, name, value});
    }
    for (const auto& [name, child] : module.named_children()) remember_buffers(child);
  }

  /// A module may replace a buffer instead of changing it: `self.count = self.count + 1`. Its value
  /// goes to the tensor that everybody else knows.
  void take_assigned_buffers() {
    const torch::NoGradGuard no_gradients;
    for (auto& [owner, name, value] : assigned_) {
      const auto now = owner.attr(name).toTensor();
      if (now.is_same(value)) continue;
      value.copy_(now);
      owner.setattr(name, value);
    }
  }

  std::string bytes_;
  std::string name_;
  torch::jit::Module module_;
  std::vector<Buffer> assigned_;
};

}  // namespace

NetworkPtr make_script_network(const std::string& bytes, const std::string& name) {
  return std::make_shared<ScriptNetwork>(bytes, name);
}

}  // namespace lockstep::model
