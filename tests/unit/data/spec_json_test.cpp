#include <gtest/gtest.h>

#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/spec_json.hpp>

namespace lockstep::data {
namespace {

TEST(SpecJson, WhatIsWrittenIsReadAgain) {
  const SampleSpec tokens = {
      .input = {.shape = {35}, .element_type = torch::kInt32, .stays_integer = true},
      .target = ClassTarget{.classes = 4}};
  const SampleSpec table = {.input = {.shape = {3, 2},
                                      .element_type = torch::kFloat64,
                                      .divisor = 2,
                                      .mean = {1, 2, 3},
                                      .deviation = {1, 0.5, 0.25}},
                            .target = NumberTarget{.shape = {1}}};
  for (const auto& spec : {fashion_mnist_spec(), tokens, table}) {
    const auto text = to_json(spec).dump();
    const auto read = spec_from_json(nlohmann::ordered_json::parse(text));
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_json(*read).dump(), text);
    EXPECT_EQ(read->input.shape, spec.input.shape);
    EXPECT_EQ(read->input.element_type, spec.input.element_type);
    EXPECT_EQ(read->input.network_type(), spec.input.network_type());
    EXPECT_EQ(read->outputs(), spec.outputs());
  }
  EXPECT_EQ(describe(fashion_mnist_spec()), "inputs [1, 28, 28] and 10 classes");
  EXPECT_EQ(describe(table), "inputs [3, 2] and targets [1]");
}

TEST(SpecJson, NothingComesOfNonsense) {
  const auto with = [](const char* where, const nlohmann::ordered_json& value) {
    auto document = to_json(fashion_mnist_spec());
    document[nlohmann::ordered_json::json_pointer(where)] = value;
    return spec_from_json(document);
  };
  EXPECT_TRUE(with("/input/divisor", 1));
  EXPECT_FALSE(with("/input/divisor", 0));
  EXPECT_FALSE(with("/input/divisor", "x"));
  EXPECT_FALSE(with("/input/type", "complex64"));
  EXPECT_FALSE(with("/input/shape", {0, 3}));
  EXPECT_FALSE(with("/input/shape", {1 << 30, 1 << 30, 1 << 30}));
  EXPECT_FALSE(with("/input/mean", {1, 2}));
  EXPECT_FALSE(with("/input/deviation", {0}));
  EXPECT_FALSE(with("/target/classes", 0));
  EXPECT_FALSE(with("/target/names", {"one of ten"}));
  EXPECT_FALSE(spec_from_json(nlohmann::ordered_json()));
  EXPECT_FALSE(spec_from_json({{"input", 3}}));
  auto floats_that_stay = to_json(fashion_mnist_spec());
  floats_that_stay["input"]["type"] = "float32";
  floats_that_stay["input"]["stays_integer"] = true;
  EXPECT_FALSE(spec_from_json(floats_that_stay));
}

}  // namespace
}  // namespace lockstep::data
