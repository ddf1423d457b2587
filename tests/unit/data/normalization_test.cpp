#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/normalization.hpp>

#include "expect_error.hpp"

namespace lockstep::data {
namespace {

using Channels = std::vector<ChannelStatistics>;

Dataset dataset_of(const torch::Tensor& inputs, double divisor) {
  auto shape = inputs.sizes().vec();
  shape.erase(shape.begin());
  return {{.input = {.shape = shape, .element_type = inputs.scalar_type(), .divisor = divisor},
           .target = ClassTarget{.classes = 2}},
          inputs,
          torch::zeros({inputs.size(0)}, torch::kUInt8)};
}

TEST(Normalization, TextsAreReadAndWritten) {
  EXPECT_EQ(*parse_normalization("none"), Normalization{});
  EXPECT_EQ(*parse_normalization("auto"), Normalization{.from_data = true});
  EXPECT_EQ(parse_normalization("0.1307:0.3081")->channels, (Channels{{0.1307, 0.3081}}));
  EXPECT_EQ(parse_normalization("-1:2e3,0:1,1e-3:.5")->channels,
            (Channels{{-1, 2000}, {0, 1}, {0.001, 0.5}}));
  for (const char* text : {"none", "auto", "0.1307:0.3081", "-1:2000,0:1", "0.1:1e-05"}) {
    EXPECT_EQ(to_text(*parse_normalization(text)), text);
  }
  const Normalization odd{.channels = {{1.0 / 3, std::nextafter(0.5, 1)}, {-1e-30, 1e20}}};
  EXPECT_EQ(*parse_normalization(to_text(odd)), odd) << to_text(odd);
  for (const char* text : {"",       "on",     "auto,auto", "auto,0:1", "none,0:1", "0",
                           "0:",     ":1",     "0:1,",      ",0:1",     "0:1,,0:1", "0:0",
                           "1:-1",   "1:-0.0", "nan:1",     "1:nan",    "inf:1",    "0:inf",
                           "0:1:2",  "0 :1",   "0: 1",      "0:1x",     "+1:1",     "0:1;0:1",
                           "1e39:1", "0:1e39", "0:1e-60",   "1e999:1"}) {
    EXPECT_FALSE(parse_normalization(text)) << text;
  }
  std::string many = "0:1";
  for (std::size_t i = 1; i < kMaxNormalizedChannels; ++i) many += ",0:1";
  EXPECT_TRUE(parse_normalization(many));
  EXPECT_FALSE(parse_normalization(many + ",0:1"));
}

TEST(Normalization, InputsThatCannotBeNormalisedAreRefused) {
  const InputSpec image{.shape = {3, 8, 6}};
  const Normalization from_data{.from_data = true};
  EXPECT_NO_THROW(check_normalization({.channels = {{0, 1}}}, image));
  EXPECT_NO_THROW(check_normalization({.channels = Channels(3)}, image));
  const auto refuse = [](const Normalization& normalization, const InputSpec& input,
                         std::initializer_list<std::string_view> mentions) {
    tests::expect_error<UsageError>([&] { check_normalization(normalization, input); }, mentions);
  };
  refuse({.channels = Channels(2)}, image, {"[3, 8, 6]", "2 pairs", "3 channels", "(normalize)"});
  refuse({.channels = Channels(2)}, {.shape = {1, 8, 6}}, {"1 channel:"});
  const InputSpec tokens{.shape = {35}, .element_type = torch::kInt64, .stays_integer = true};
  refuse(from_data, tokens, {"[35]", "integers", "(normalize)"});
  EXPECT_NO_THROW(check_normalization({}, tokens));
  refuse(from_data, {.shape = {1, 2}, .mean = {0.5}}, {"their source"});
  refuse(from_data, {.shape = {}}, {"no channels"});
  refuse(from_data, {.shape = {4097}}, {"4097 channels", "4096"});
}

TEST(Normalization, PairsBecomeMeansAndDeviations) {
  InputSpec input{.shape = {3, 2}};
  normalize(input, {{1, 2}});
  EXPECT_EQ(input.mean, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(input.deviation, (std::vector<double>{2, 2, 2}));
  normalize(input, {{1, 2}, {3, 4}, {5, 6}});
  EXPECT_EQ(input.mean, (std::vector<double>{1, 3, 5}));
  EXPECT_EQ(input.deviation, (std::vector<double>{2, 4, 6}));
  EXPECT_EQ(normalized_as({.shape = {3, 2}}, input).mean, input.mean);
  EXPECT_EQ(normalized_as({.shape = {3, 2}}, input).deviation, input.deviation);
  const InputSpec own{.shape = {3, 2}, .mean = {7, 7, 7}};
  EXPECT_EQ(normalized_as(own, input).mean, own.mean);
  EXPECT_TRUE(normalized_as(own, input).deviation.empty());
}

/// Mean and population deviation of what a network gets, by LibTorch in double.
void expect_as_torch(const Dataset& dataset) {
  const auto values = dataset.inputs.to(torch::kFloat32).div(dataset.spec.input.divisor);
  const auto by_channel = values.to(torch::kFloat64).flatten(2).transpose(0, 1).flatten(1);
  const auto found = channel_statistics(dataset);
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), dataset.inputs.size(1));
  for (std::size_t channel = 0; channel < found.size(); ++channel) {
    const auto mine = by_channel[static_cast<std::int64_t>(channel)];
    const auto deviation = mine.std(/*unbiased=*/false).item<double>();
    EXPECT_NEAR(found[channel].mean, mine.mean().item<double>(), 1e-12 * deviation);
    EXPECT_NEAR(found[channel].deviation, deviation, 1e-12 * deviation);
  }
}

TEST(ChannelStatistics, OfBytesAreTorchsInDouble) {
  torch::manual_seed(1);
  expect_as_torch(dataset_of(torch::randint(0, 256, {701, 1, 9, 5}, torch::kUInt8), 255));
  expect_as_torch(dataset_of(torch::randint(200, 203, {64, 3, 4, 4}, torch::kUInt8), 255));
  expect_as_torch(dataset_of(torch::randint(0, 2, {3, 7, 2}, torch::kUInt8), 1));
  auto skewed = torch::zeros({50, 2, 3, 3}, torch::kUInt8);
  skewed[49][1][2][2] = 255;
  skewed[0][0][0][0] = 1;
  expect_as_torch(dataset_of(skewed, 255));
}

TEST(ChannelStatistics, OfNumbersAreTorchsInDouble) {
  torch::manual_seed(2);
  expect_as_torch(dataset_of(torch::randn({500, 3, 6, 4}), 1));
  expect_as_torch(dataset_of(torch::randn({2000, 5, 1}) * 1e-3 + 1000, 1));       // nothing cancels
  expect_as_torch(dataset_of(torch::randn({1000, 2, 800}, torch::kFloat64), 3));  // several chunks
  expect_as_torch(dataset_of(torch::randint(-5, 9, {100, 2, 3}, torch::kInt16), 2));
}

TEST(ChannelStatistics, ColumnsOfATableAreChannels) {
  const auto table = torch::tensor({{1.F, 10.F}, {3.F, 10.5F}});
  const auto found = channel_statistics(dataset_of(table, 1));
  EXPECT_EQ(found, (Channels{{2, 1}, {10.25, 0.25}}));
}

TEST(ChannelStatistics, NameAChannelThatHasNoDeviation) {
  auto bytes = torch::randint(0, 256, {10, 3, 2, 2}, torch::kUInt8);
  bytes.select(1, 2).fill_(51);
  tests::expect_error<DataError>([&] { (void)channel_statistics(dataset_of(bytes, 255)); },
                                 {"channel 2", "0.2 everywhere", "deviation is 0", "(normalize)"});
  auto numbers = torch::randn({1000, 2, 7});
  numbers.select(1, 1).fill_(0.1);  // its mean in double is not exactly this
  tests::expect_error<DataError>([&] { (void)channel_statistics(dataset_of(numbers, 1)); },
                                 {"channel 1", "0.1 everywhere", "(normalize)"});
  for (const auto odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto broken = torch::randn({10, 2, 7});
    broken[3][0][1] = odd;
    tests::expect_error<DataError>([&] { (void)channel_statistics(dataset_of(broken, 1)); },
                                   {"channel 0", "not finite", "(normalize)"});
  }
}

}  // namespace
}  // namespace lockstep::data
