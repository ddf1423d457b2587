#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/task/network_kind.hpp>

namespace lockstep::task {
namespace {

namespace nn = torch::nn;

constexpr std::int64_t kFirstChannels = 16;
constexpr std::int64_t kSecondChannels = 32;
constexpr std::int64_t kHidden = 128;
constexpr std::int64_t kPools = 4;  // two poolings, each of which halves height and width

nn::Conv2dOptions convolution(std::int64_t in, std::int64_t out) {
  return nn::Conv2dOptions(in, out, 3).padding(1).bias(false);
}

/// Two convolutions with batch normalisation, two linear layers with dropout:
/// [B, channels, height, width] → [B, outputs].
/// Source: S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015; N. Srivastava et al., "Dropout",
/// JMLR 15 (2014).
class Cnn final : public model::Network {
 public:
  Cnn(const data::SampleSpec& spec, double dropout)
      : conv1_(
            register_module("conv1", nn::Conv2d(convolution(spec.input.shape[0], kFirstChannels)))),
        norm1_(register_module("norm1", nn::BatchNorm2d(kFirstChannels))),
        conv2_(register_module("conv2", nn::Conv2d(convolution(kFirstChannels, kSecondChannels)))),
        norm2_(register_module("norm2", nn::BatchNorm2d(kSecondChannels))),
        hidden_(
            register_module("hidden", nn::Linear(kSecondChannels * (spec.input.shape[1] / kPools) *
                                                     (spec.input.shape[2] / kPools),
                                                 kHidden))),
        output_(register_module("output", nn::Linear(kHidden, spec.outputs()))),
        dropout_(dropout) {}

  torch::Tensor forward(const torch::Tensor& inputs) override {
    auto x = torch::max_pool2d(norm1_(conv1_(inputs)).relu(), 2);
    x = torch::max_pool2d(norm2_(conv2_(x)).relu(), 2).flatten(1);
    x = hidden_(torch::dropout(x, dropout_, is_training())).relu();
    return output_(torch::dropout(x, dropout_, is_training()));
  }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d norm1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d norm2_;
  nn::Linear hidden_;
  nn::Linear output_;
  double dropout_;
};

class CnnKind final : public NetworkKind {
 public:
  [[nodiscard]] std::string name() const override { return "cnn"; }

  [[nodiscard]] std::vector<options::Option> options() override {
    return {{"dropout", "with --model cnn: share of activations that are dropped (default 0.25)",
             options::fraction(dropout_), Effect::kNetwork}};
  }

  [[nodiscard]] model::NetworkPtr make(const data::SampleSpec& spec) const override {
    const auto& shape = spec.input.shape;
    if (spec.input.stays_integer) {
      throw UsageError("--model cnn takes images of bytes or floats, and these are other integers");
    }
    if (shape.size() != 3 || shape[1] < kPools || shape[2] < kPools) {
      throw UsageError(fmt::format(
          "--model cnn takes images [channels, height, width] of at least {0} × {0}", kPools));
    }
    constexpr std::int64_t kMaxElements = std::int64_t{1} << 24U;  // of an image
    if (shape[1] > kMaxElements / shape[2] || shape[0] > kMaxElements / (shape[1] * shape[2])) {
      throw UsageError(fmt::format("--model cnn takes images of up to {} elements", kMaxElements));
    }
    return std::make_shared<Cnn>(spec, dropout_);
  }

 private:
  double dropout_ = 0.25;
};

}  // namespace

std::unique_ptr<NetworkKind> make_cnn_kind() {
  return std::make_unique<CnnKind>();
}

}  // namespace lockstep::task
