#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/task/network_kind.hpp>

namespace lockstep::task {
namespace {

namespace nn = torch::nn;

constexpr std::int64_t kStemChannels = 64;
constexpr std::int64_t kFeatures = 512;     // of the last layer
constexpr std::int64_t kLeastSide = 8;      // halved three times: one pixel
constexpr std::int64_t kImageNetSide = 64;  // from here on, the stem quarters height and width
constexpr std::int64_t kMaxChannels = 1 << 12;
constexpr std::int64_t kMaxOutputs = 1 << 19;

nn::Conv2dOptions same_padded(std::int64_t in, std::int64_t out, std::int64_t size,
                              std::int64_t stride) {
  return nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false);
}

/// Two convolutions beside a shortcut: [B, in, h, w] → [B, out, ⌈h / stride⌉, ⌈w / stride⌉].
class BasicBlock final : public nn::Module {
 public:
  /// `downsample` is the shortcut's layer; null: the block's input itself.
  BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride, nn::Sequential downsample)
      : conv1_(register_module("conv1", nn::Conv2d(same_padded(in, out, 3, stride)))),
        bn1_(register_module("bn1", nn::BatchNorm2d(out))),
        conv2_(register_module("conv2", nn::Conv2d(same_padded(out, out, 3, 1)))),
        bn2_(register_module("bn2", nn::BatchNorm2d(out))),
        downsample_(std::move(downsample)) {
    if (!downsample_.is_empty()) register_module("downsample", downsample_);
  }

  torch::Tensor forward(const torch::Tensor& inputs) {
    auto x = bn1_(conv1_(inputs)).relu_();
    x = bn2_(conv2_(x));
    x += downsample_.is_empty() ? inputs : downsample_->forward(inputs);
    return x.relu_();
  }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
  nn::Sequential downsample_;
};

/// One after the other, in torchvision's order: each draws its initial weights.
nn::Sequential make_layer(std::int64_t in, std::int64_t out) {
  nn::Sequential downsample{nullptr};
  if (in != out) {
    downsample = nn::Sequential();
    downsample->push_back(nn::Conv2d(same_padded(in, out, 1, 2)));
    downsample->push_back(nn::BatchNorm2d(out));
  }
  nn::Sequential blocks;
  blocks->push_back(std::make_shared<BasicBlock>(in, out, in == out ? 1 : 2, downsample));
  blocks->push_back(std::make_shared<BasicBlock>(out, out, 1, nullptr));
  return blocks;
}

bool has_imagenet_size(const data::InputSpec& input) {
  return input.shape[1] >= kImageNetSide && input.shape[2] >= kImageNetSide;
}

/// torchvision's resnet18, with its names and, for the same seed, its initial weights:
/// [B, channels, height, width] → [B, outputs]. Smaller images than ImageNet's keep their size in
/// the first convolution, as in the paper's networks for CIFAR-10.
/// Source: K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016;
/// https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.resnet18.html
class Resnet18 final : public model::Network {
 public:
  explicit Resnet18(const data::SampleSpec& spec)
      : is_imagenet_(has_imagenet_size(spec.input)),
        conv1_(register_module(
            "conv1", nn::Conv2d(same_padded(spec.input.shape[0], kStemChannels,
                                            is_imagenet_ ? 7 : 3, is_imagenet_ ? 2 : 1)))),
        bn1_(register_module("bn1", nn::BatchNorm2d(kStemChannels))),
        layer1_(register_module("layer1", make_layer(kStemChannels, 64))),
        layer2_(register_module("layer2", make_layer(64, 128))),
        layer3_(register_module("layer3", make_layer(128, 256))),
        layer4_(register_module("layer4", make_layer(256, kFeatures))),
        fc_(register_module("fc", nn::Linear(kFeatures, spec.outputs()))) {
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* convolution = module->as<nn::Conv2d>()) {
        nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  torch::Tensor forward(const torch::Tensor& inputs) override {
    require_variance(inputs);
    auto x = bn1_(conv1_(inputs)).relu_();
    if (is_imagenet_) x = torch::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    x = layer2_->forward(layer1_->forward(x));
    x = layer4_->forward(layer3_->forward(x));
    return fc_(torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }

  [[nodiscard]] bool draws_random_numbers() const override { return false; }

 private:
  /// One image of the least size gives the last batch normalisation one value per channel.
  void require_variance(const torch::Tensor& inputs) const {
    if (!is_training() || inputs.size(0) > 1) return;
    if (inputs.size(2) > kLeastSide || inputs.size(3) > kLeastSide) return;
    throw UsageError(
        fmt::format("--model resnet18 cannot train on one image of {0} × {0} pixels alone, which "
                    "gives its last batch normalisation a single value: let every rank and "
                    "virtual shard have two or more, also in the last step of an epoch",
                    kLeastSide),
        {"batch_size", "virtual_shards"});
  }

  bool is_imagenet_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Sequential layer1_;
  nn::Sequential layer2_;
  nn::Sequential layer3_;
  nn::Sequential layer4_;
  nn::Linear fc_;
};

void require_images(const data::SampleSpec& spec) {
  const auto& shape = spec.input.shape;
  if (spec.input.stays_integer) {
    throw UsageError(
        "--model resnet18 takes images of bytes or floats, and these are other integers");
  }
  if (shape.size() != 3 || shape[1] < kLeastSide || shape[2] < kLeastSide) {
    throw UsageError(
        fmt::format("--model resnet18 takes images [channels, height, width] of at least {0} × {0}",
                    kLeastSide));
  }
  constexpr std::int64_t kMaxElements = std::int64_t{1} << 24U;  // of an image
  if (shape[0] > kMaxChannels || shape[1] > kMaxElements / shape[2] ||
      shape[0] > kMaxElements / (shape[1] * shape[2])) {
    throw UsageError(
        fmt::format("--model resnet18 takes images of up to {} channels and {} elements",
                    kMaxChannels, kMaxElements));
  }
  if (spec.outputs() > kMaxOutputs) {
    throw UsageError(fmt::format("--model resnet18 has up to {} outputs, and the data need {}",
                                 kMaxOutputs, spec.outputs()));
  }
}

class Resnet18Kind final : public NetworkKind {
 public:
  [[nodiscard]] std::string name() const override { return "resnet18"; }

  [[nodiscard]] model::NetworkPtr make(const data::SampleSpec& spec) const override {
    require_images(spec);
    return std::make_shared<Resnet18>(spec);
  }
};

}  // namespace

std::unique_ptr<NetworkKind> make_resnet18_kind() {
  return std::make_unique<Resnet18Kind>();
}

}  // namespace lockstep::task
