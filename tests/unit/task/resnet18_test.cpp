#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <lockstep/base/error.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "expect_error.hpp"
#include "golden.hpp"

namespace lockstep::task {
namespace {

data::SampleSpec images_of(std::vector<std::int64_t> shape, std::int64_t classes = 10) {
  return {.input = {.shape = std::move(shape)}, .target = data::ClassTarget{.classes = classes}};
}

model::NetworkPtr make_resnet18(const data::SampleSpec& spec) {
  BuiltinTask task;
  const options::OptionTable table = {{"Network", task.network_options()}};
  EXPECT_TRUE(options::find_option(table, "model")->binding.set("resnet18"));
  torch::manual_seed(0);
  return task.make_network(spec);
}

std::map<std::string, torch::Tensor> by_name(const model::Network& network) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, value] : model::named_state(network)) tensors.emplace(name, value);
  return tensors;
}

/// The layers, function by function and never in place: which numbers they give, and with which
/// gradients. It has the network's parameters, and copies of its buffers.
class PlainResnet18 {
 public:
  explicit PlainResnet18(const model::Network& network) : state_(by_name(network)) {
    for (const auto& [name, value] : model::named_buffers(network)) state_[name] = value.clone();
  }

  torch::Tensor forward(const torch::Tensor& images, bool is_imagenet) {
    auto x = norm(convolve(images, "conv1", is_imagenet ? 2 : 1), "bn1").relu();
    if (is_imagenet) x = torch::max_pool2d(x, 3, 2, 1);
    for (const std::int64_t layer : {1, 2, 3, 4}) {
      const auto name = "layer" + std::to_string(layer);
      x = block(x, name + ".0", layer == 1 ? 1 : 2);
      x = block(x, name + ".1", 1);
    }
    return torch::nn::functional::linear(x.mean({2, 3}), state_.at("fc.weight"),
                                         state_.at("fc.bias"));
  }
  [[nodiscard]] const torch::Tensor& operator[](const std::string& name) const {
    return state_.at(name);
  }

 private:
  std::map<std::string, torch::Tensor> state_;

  [[nodiscard]] torch::Tensor convolve(const torch::Tensor& x, const std::string& name,
                                       std::int64_t stride) const {
    const auto& weight = state_.at(name + ".weight");
    return torch::conv2d(x, weight, {}, stride, weight.size(2) / 2);
  }
  torch::Tensor norm(const torch::Tensor& x, const std::string& name) {
    return torch::batch_norm(x, state_.at(name + ".weight"), state_.at(name + ".bias"),
                             state_.at(name + ".running_mean"), state_.at(name + ".running_var"),
                             /*training=*/true, 0.1, 1e-5, /*cudnn_enabled=*/false);
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& name, std::int64_t stride) {
    const auto inside = norm(convolve(x, name + ".conv1", stride), name + ".bn1").relu();
    const auto residual = norm(convolve(inside, name + ".conv2", 1), name + ".bn2");
    if (stride == 1) return (residual + x).relu();
    const auto shortcut = norm(convolve(x, name + ".downsample.0", stride), name + ".downsample.1");
    return (residual + shortcut).relu();
  }
};

TEST(Resnet18, HasTorchvisionsNamesShapesAndInitialValues) {
  const auto network = make_resnet18(images_of({3, 64, 64}));
  const auto state = by_name(*network);
  const auto golden = tests::load_golden("resnet18.json", "state");
  EXPECT_EQ(golden.size(), 122U);
  EXPECT_EQ(state.size(), golden.size());
  std::vector<std::string> parameters;
  for (const auto& expected : golden) {
    const auto name = expected["name"].get<std::string>();
    ASSERT_TRUE(state.contains(name)) << name;
    const auto& tensor = state.at(name);
    EXPECT_EQ(tensor.sizes().vec(), expected["shape"].get<std::vector<std::int64_t>>()) << name;
    const auto values = tensor.detach().to(torch::kFloat64).flatten();
    // The vectors of the processor round the last bit of a random number.
    EXPECT_NEAR(values[0].item<double>(), expected["first"], 1e-6) << name;
    EXPECT_NEAR(values[-1].item<double>(), expected["last"], 1e-6) << name;
    EXPECT_NEAR(values.sum().item<double>(), expected["sum"], 1e-3) << name;
    if (tensor.requires_grad()) parameters.push_back(name);
  }
  std::vector<std::string> registered;
  for (const auto& parameter : model::named_parameters(*network)) {
    registered.push_back(parameter.name);
  }
  EXPECT_EQ(registered, parameters);
}

TEST(Resnet18, ForSmallImagesOnlyTheFirstConvolutionIsAnother) {
  for (const auto& spec : {images_of({1, 8, 8}, 7), images_of({1, 63, 64}, 7)}) {
    auto state = by_name(*make_resnet18(spec));
    EXPECT_EQ(state.at("conv1.weight").sizes(), torch::IntArrayRef({64, 1, 3, 3}));
    EXPECT_EQ(state.at("fc.weight").sizes(), torch::IntArrayRef({7, 512}));
    EXPECT_EQ(state.at("fc.bias").sizes(), torch::IntArrayRef({7}));
    std::erase_if(state, [](const auto& item) {
      return item.first == "conv1.weight" || item.first.starts_with("fc.");
    });
    EXPECT_EQ(state.size(), 119U);
    for (const auto& expected : tests::load_golden("resnet18.json", "state")) {
      const auto found = state.find(expected["name"]);
      if (found == state.end()) continue;
      EXPECT_EQ(found->second.sizes().vec(), expected["shape"].get<std::vector<std::int64_t>>());
      state.erase(found);
    }
    EXPECT_TRUE(state.empty()) << state.begin()->first;
  }
}

TEST(Resnet18, ComputesWhatItsLayersDoOneByOne) {
  for (const auto& shape : {std::vector<std::int64_t>{3, 64, 72}, {2, 63, 70}, {1, 9, 16}}) {
    const auto network = make_resnet18(images_of(shape, 5));
    PlainResnet18 plain(*network);
    const auto images = torch::rand({2, shape[0], shape[1], shape[2]});
    const auto expected = plain.forward(images, shape[1] >= 64);
    const auto outputs = network->forward(images);
    EXPECT_EQ(outputs.sizes(), torch::IntArrayRef({2, 5}));
    EXPECT_TRUE(torch::equal(outputs, expected)) << shape[1];

    const auto parameters = network->parameters();
    const auto mine = torch::autograd::grad({outputs.square().sum()}, parameters);
    const auto theirs = torch::autograd::grad({expected.square().sum()}, parameters);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_TRUE(torch::equal(mine[i], theirs[i])) << shape[1] << ": parameter " << i;
    }
    for (const auto& [name, value] : model::named_buffers(*network)) {
      if (!value.is_floating_point()) {
        EXPECT_EQ(value.item<std::int64_t>(), 1) << name;
      } else {
        EXPECT_TRUE(torch::equal(value, plain[name])) << name;
      }
    }
  }
}

TEST(Resnet18, LearnsNumbersToo) {
  auto spec = images_of({3, 16, 16});
  spec.input.element_type = torch::kFloat32;
  spec.target = data::NumberTarget{.shape = {2, 3}};
  EXPECT_EQ(make_resnet18(spec)->forward(torch::rand({2, 3, 16, 16})).size(1), 6);
}

TEST(Resnet18, OtherInputsAreRefusedBeforeAnythingIsAllocated) {
  const auto refuse = [](const data::SampleSpec& spec, std::string_view why) {
    tests::expect_error<UsageError>([&] { (void)make_resnet18(spec); }, {"--model resnet18 ", why});
  };
  auto tokens = images_of({3, 16, 16});
  tokens.input.stays_integer = true;
  refuse(tokens, "other integers");
  constexpr std::int64_t kHuge = std::int64_t{1} << 40U;
  for (const auto& shape :
       {std::vector<std::int64_t>{}, {16}, {16, 16}, {1, 1, 16, 16}, {3, 7, 16}, {3, 16, 7}}) {
    refuse(images_of(shape), "at least 8 × 8");
  }
  for (const auto& shape : {std::vector<std::int64_t>{4097, 8, 8},
                            {1, kHuge, kHuge},
                            {kHuge, 8, 8},
                            {4096, 64, 65},
                            {1, 8192, 4096}}) {
    refuse(images_of(shape), "up to 4096 channels and 16777216 elements");
  }
  refuse(images_of({3, 8, 8}, kHuge), "outputs");
}

TEST(Resnet18, OneImageOfOnePixelInTheLastLayerIsNotTrained) {
  const auto network = make_resnet18(images_of({3, 8, 8}));
  tests::expect_error<UsageError>(
      [&] {
        (void)network->forward(torch::rand({1, 3, 8, 8}));
      },
      {"8 × 8", "batch_size", "virtual_shards"});
  EXPECT_TRUE(network->forward(torch::rand({2, 3, 8, 8})).isfinite().all().item<bool>());
  network->eval();
  EXPECT_TRUE(network->forward(torch::rand({1, 3, 8, 8})).isfinite().all().item<bool>());
  const auto wider = make_resnet18(images_of({3, 8, 9}));
  EXPECT_TRUE(wider->forward(torch::rand({1, 3, 8, 9})).isfinite().all().item<bool>());
}

}  // namespace
}  // namespace lockstep::task
