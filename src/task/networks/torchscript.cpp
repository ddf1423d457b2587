#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/model/script_network.hpp>
#include <lockstep/task/network_kind.hpp>

namespace lockstep::task {
namespace {

/// Runs two samples of zeros through the network, so that a module for other data ends before
/// anything is trained.
void require_fit(model::Network& network, const data::SampleSpec& spec, const std::string& file) {
  constexpr std::int64_t kSamples = 2;
  auto shape = spec.input.shape;
  shape.insert(shape.begin(), kSamples);
  network.eval();
  const auto outputs = network.forward(torch::zeros(shape, spec.input.network_type()));
  network.train();
  const bool classes = std::holds_alternative<data::ClassTarget>(spec.target);
  const bool fits = classes ? outputs.dim() == 2 && outputs.size(0) == kSamples &&
                                  outputs.size(1) == spec.outputs()
                            : outputs.dim() > 0 && outputs.size(0) == kSamples &&
                                  outputs.numel() == kSamples * spec.outputs();
  if (fits && !outputs.requires_grad()) {
    throw DataError(
        fmt::format("{}: the module's outputs depend on no parameter: there is nothing "
                    "to train",
                    file));
  }
  if (fits && outputs.scalar_type() == torch::kFloat32) return;
  throw DataError(fmt::format("{}: the module gives {} [{}] for two samples, and the data have {}",
                              file, torch::toString(outputs.scalar_type()),
                              fmt::join(outputs.sizes(), ", "), data::describe(spec)));
}

/// A TorchScript module in a file.
class TorchScriptKind final : public NetworkKind {
 public:
  [[nodiscard]] std::string name() const override { return "FILE.pt"; }
  [[nodiscard]] bool is_named(const std::string& model) const override {
    return model.ends_with(".pt");
  }

  void read_files(const std::string& model, const FileReader& read) override {
    file_ = model;
    bytes_ = read(model);
  }
  [[nodiscard]] std::string file_digest() const override {
    return bytes_.empty() ? std::string() : sha256_of(std::as_bytes(std::span(bytes_)));
  }

  [[nodiscard]] model::NetworkPtr make(const data::SampleSpec& spec) const override {
    auto network = model::make_script_network(bytes_, file_);
    require_fit(*network, spec, file_);
    return network;
  }

  bool recognise(const model::Weights& /*weights*/, const data::SampleSpec& /*spec*/) override {
    return false;  // by a file that nobody has named
  }

 private:
  std::string file_;
  std::string bytes_;
};

}  // namespace

std::unique_ptr<NetworkKind> make_torchscript_kind() {
  return std::make_unique<TorchScriptKind>();
}

}  // namespace lockstep::task
