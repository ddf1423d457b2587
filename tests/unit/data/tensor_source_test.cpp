#include <variant>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/tensor_source.hpp>

#include "expect_error.hpp"

namespace lockstep::data {
namespace {

Samples samples(std::int64_t count, std::int64_t classes) {
  return {torch::randn({count, 3}), torch::arange(count).remainder(classes)};
}

TEST(TensorSource, GivesNetworksWhatItWasGiven) {
  for (const std::int64_t classes : {3, 300}) {  // labels of one byte, and of eight
    const auto train = samples(1000, classes);
    const auto test = samples(900, classes);
    const auto source = make_tensor_source(train, test);
    const auto shape = source->shape();
    EXPECT_EQ(shape.spec().outputs(), classes);
    std::vector<std::byte> block(shape.block_bytes());
    for (const auto part : kAllParts) source->fill(part, shape.part(part, block));
    const auto indices = shape.test(block).indices();
    BatchGatherer gatherer(shape.test(block), 900);
    gatherer.set_order(indices);
    const auto batch = gatherer.gather({.first = 0, .count = 900});
    EXPECT_TRUE(batch.inputs.equal(test.inputs));
    EXPECT_TRUE(batch.targets.equal(test.labels));
    EXPECT_TRUE(shape.train(block).inputs.equal(train.inputs));
  }
}

TEST(TensorSource, NamesDecideHowManyClassesThereAre) {
  const auto source = make_tensor_source(samples(10, 2), samples(10, 2), {"a", "b", "c"});
  EXPECT_EQ(source->shape().spec().outputs(), 3);
  EXPECT_EQ(std::get<ClassTarget>(source->shape().spec().target).names.at(2), "c");
}

TEST(TensorSource, RefusesWhatDoesNotFit) {
  const auto good = samples(10, 2);
  const auto refuse = [&](const Samples& train, const Samples& test,
                          std::initializer_list<std::string_view> mentions,
                          const std::vector<std::string>& names = {}) {
    tests::expect_error<DataError>([&] { (void)make_tensor_source(train, test, names); }, mentions);
  };
  refuse({}, good, {"training", "missing"});
  refuse(good, {good.inputs, good.labels.narrow(0, 0, 9)}, {"test", "10", "9"});
  refuse(good, {good.inputs, good.labels.to(torch::kFloat32)}, {"test", "integers"});
  refuse({good.inputs.flatten(), good.labels}, good, {"training", "dimension"});
  refuse(good, {torch::randn({10, 4}), good.labels}, {"differ"});
  refuse(good, {good.inputs.to(torch::kFloat64), good.labels}, {"differ"});
  refuse({good.inputs, good.labels - 1}, good, {"-1"});
  refuse(good, good, {"0 to 1", "1 classes"}, {"only one"});
  refuse({torch::randn({0, 3}), torch::zeros({0}, torch::kInt64)}, good, {"training", "0"});
}

}  // namespace
}  // namespace lockstep::data
