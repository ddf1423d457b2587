// Comparing two runs' folders, made up here.
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/run_comparison.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::train {
namespace {

using model::NamedTensor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kWeight = "linear_relu_stack.0.weight";
constexpr const char* kBias = "linear_relu_stack.0.bias";

/// A file's tensors: a weight [4, 6], a bias [4] and an optimizer's state, which comes first in the
/// file.
std::vector<NamedTensor> tensors() {
  return {{"optimizer.momentum", torch::zeros({28})},
          {kWeight, torch::arange(24, torch::kFloat32).reshape({4, 6}) / 7},
          {kBias, torch::arange(4, torch::kFloat32)}};
}

std::string train_line(int step, const std::string& loss) {
  return R"({"event":"train","epoch":1,"step":)" + std::to_string(step) + R"(,"loss":)" + loss +
         "}\n";
}

const std::string kEnd = R"({"event":"run_end","status":"completed","steps":20})"
                         "\n";

class RunComparisonTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  const std::filesystem::path a_ = folder_ / "a";
  const std::filesystem::path b_ = folder_ / "b";

  RunComparisonTest() {
    for (const auto& run : {a_, b_}) {
      std::filesystem::create_directories(run / "checkpoints");
      write_config(run, R"({"threads":1,"lr_schedule":"constant"})");
      write_metrics(run, train_line(1, "2.5") + train_line(11, "2.25") + kEnd);
      model::write_safetensors(run / "checkpoints/step-00000010.safetensors", tensors());
      model::write_safetensors(run / "checkpoints/step-00000020.safetensors", tensors());
      model::write_safetensors(run / "model.safetensors", tensors());
      std::filesystem::create_symlink("step-00000020.safetensors", run / "checkpoints/latest");
    }
  }
  static void write_config(const std::filesystem::path& run, const std::string& options,
                           const std::string& more = R"("world_size":1)") {
    tests::write_bytes(run / "config.json", R"({"options":)" + options + "," + more + "}");
  }
  static void write_metrics(const std::filesystem::path& run, const std::string& lines) {
    tests::write_bytes(run / "metrics.jsonl", lines);
  }
  /// Replaces one value of a file of run b.
  void set_value(const std::string& file, const std::string& tensor, std::int64_t position,
                 float value) {
    auto changed = model::read_safetensors(b_ / file);
    for (auto& [name, values] : changed) {
      if (name == tensor) values.data_ptr<float>()[position] = value;
    }
    model::write_safetensors(b_ / file, changed);
  }
  [[nodiscard]] RunComparison compare() const {
    return compare_runs(a_, b_,
                        {{"batch_size", Effect::kOrderOfSums},
                         {"epochs", Effect::kLength},
                         {"hidden", Effect::kNetwork},
                         {"log_every", Effect::kNothing}},
                        {{"model", "mlp"}});
  }
  [[nodiscard]] std::vector<std::string> settings() const {
    std::vector<std::string> names;
    for (const auto& setting : compare().settings) names.push_back(setting.name);
    return names;
  }
};

TEST_F(RunComparisonTest, TheSameFilesAreIdentical) {
  const auto comparison = compare();
  EXPECT_TRUE(comparison.identical());
  EXPECT_THAT(comparison.losses.lines, ElementsAre(2, 2));
  EXPECT_EQ(comparison.losses.compared, 2);
  EXPECT_EQ(comparison.losses.equal_up_to_step, 11);
  EXPECT_THAT(comparison.steps, ElementsAre(20, 20));
  EXPECT_THAT(comparison.checkpoints, SizeIs(2));
  EXPECT_THAT(comparison.settings, IsEmpty());
  ASSERT_TRUE(comparison.final_weights);
  EXPECT_EQ(comparison.final_weights->step, 20);
  EXPECT_EQ(comparison.final_weights->tensors, 3);
}

TEST_F(RunComparisonTest, TheDigestIsThatOfTheParametersInTheFilesOrder) {
  const auto all = tensors();
  Sha256 digest;
  for (const std::size_t i : {1U, 2U}) {
    const auto* values = all[i].value.data_ptr<float>();
    digest.update(std::as_bytes(std::span(values, static_cast<std::size_t>(all[i].value.numel()))));
  }
  EXPECT_EQ(compare().final_weights->sha256, to_hex(digest.finish()));
}

TEST_F(RunComparisonTest, OneFlippedBitIsFoundAndNamed) {
  const float before = tensors()[1].value.data_ptr<float>()[17];
  const auto after = std::bit_cast<float>(std::bit_cast<std::uint32_t>(before) ^ 1U);
  set_value("model.safetensors", kWeight, 17, after);
  const auto comparison = compare();
  EXPECT_FALSE(comparison.identical());
  EXPECT_FALSE(comparison.parts_at_loss());
  const auto* weights = comparison.first_unlike_weights();
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->file, "model.safetensors");
  EXPECT_EQ(weights->differing, 1);
  EXPECT_EQ(weights->sha256, "");
  EXPECT_EQ(weights->first->tensor, kWeight);
  EXPECT_EQ(weights->first->differing, 1);
  EXPECT_EQ(weights->first->values, 24);
  EXPECT_THAT(weights->first->index, ElementsAre(2, 5));
  EXPECT_EQ(weights->first->a, before);
  EXPECT_EQ(weights->first->b, after);
  EXPECT_EQ(weights->first->largest, std::abs(static_cast<double>(before) - after));
}

TEST_F(RunComparisonTest, TheEarliestFileAndTheLargestDifferenceAreNamed) {
  set_value("model.safetensors", kWeight, 0, 5);
  set_value("checkpoints/step-00000020.safetensors", kBias, 3, 3.5F);
  set_value("checkpoints/step-00000020.safetensors", kBias, 1, 1.75F);
  set_value("checkpoints/step-00000020.safetensors", kBias, 0, 0.5F);
  const auto comparison = compare();
  const auto* weights = comparison.first_unlike_weights();
  ASSERT_NE(weights, nullptr);
  EXPECT_EQ(weights->file, "checkpoints/step-00000020.safetensors");
  EXPECT_EQ(weights->step, 20);
  EXPECT_EQ(weights->first->differing, 3);
  EXPECT_EQ(weights->first->largest, 0.75);
  EXPECT_THAT(weights->first->index, ElementsAre(1));
}

TEST_F(RunComparisonTest, ParametersAreNamedBeforeTheOptimizersState) {
  set_value("checkpoints/step-00000010.safetensors", "optimizer.momentum", 0, 1);
  const auto state_alone = compare();
  ASSERT_FALSE(state_alone.identical());
  EXPECT_EQ(state_alone.checkpoints[0].first->tensor, "optimizer.momentum");
  set_value("checkpoints/step-00000010.safetensors", kBias, 0, 1);
  const auto both = compare();
  EXPECT_EQ(both.checkpoints[0].differing, 2);
  EXPECT_EQ(both.checkpoints[0].first->tensor, kBias);
}

TEST_F(RunComparisonTest, BitsAreComparedNotValues) {
  auto changed = tensors();
  changed[2].value[1] = std::numeric_limits<float>::quiet_NaN();
  model::write_safetensors(a_ / "model.safetensors", changed);
  model::write_safetensors(b_ / "model.safetensors", changed);
  EXPECT_TRUE(compare().identical());

  set_value("model.safetensors", kBias, 0, -0.0F);
  const auto signs = compare();
  ASSERT_FALSE(signs.identical());
  EXPECT_EQ(signs.final_weights->first->differing, 1);
  EXPECT_EQ(signs.final_weights->first->largest, 0);
  EXPECT_THAT(signs.final_weights->first->index, ElementsAre(0));
  EXPECT_TRUE(std::signbit(signs.final_weights->first->b));

  set_value("model.safetensors", kBias, 1, 1);
  const auto numbers = compare();
  EXPECT_TRUE(std::isinf(numbers.final_weights->first->largest));
  EXPECT_THAT(numbers.final_weights->first->index, ElementsAre(1));
}

TEST_F(RunComparisonTest, OtherShapesAndNamesAreSaid) {
  auto changed = tensors();
  changed[1].value = torch::zeros({6, 4});
  model::write_safetensors(b_ / "model.safetensors", changed);
  EXPECT_EQ(compare().final_weights->first->unlike, "shape [4, 6] against [6, 4]");
  changed.erase(changed.begin() + 1);
  model::write_safetensors(b_ / "model.safetensors", changed);
  EXPECT_EQ(compare().final_weights->first->unlike, "only in the first run");
  model::write_safetensors(a_ / "model.safetensors", {changed[1]});
  const auto comparison = compare();
  EXPECT_EQ(comparison.final_weights->first->tensor, "optimizer.momentum");
  EXPECT_EQ(comparison.final_weights->first->unlike, "only in the second run");
}

TEST_F(RunComparisonTest, TheFirstLossThatDiffersIsNamed) {
  write_metrics(b_, train_line(1, "2.5") + train_line(11, "2.2500000000000004") + kEnd);
  const auto comparison = compare();
  EXPECT_FALSE(comparison.identical());
  ASSERT_TRUE(comparison.losses.first);
  EXPECT_EQ(comparison.losses.first->epoch, 1);
  EXPECT_EQ(comparison.losses.first->step, 11);
  EXPECT_EQ(comparison.losses.differing, 1);
  EXPECT_EQ(comparison.losses.equal_up_to_step, 1);
  EXPECT_NEAR(comparison.losses.first->relative(), 2e-16, 1e-17);
  EXPECT_TRUE(comparison.parts_at_loss());
}

TEST_F(RunComparisonTest, ALossThatIsNoNumberEqualsItselfAlone) {
  write_metrics(a_, train_line(1, "null") + kEnd);
  write_metrics(b_, train_line(1, "null") + kEnd);
  EXPECT_TRUE(compare().identical());
  write_metrics(b_, train_line(1, "2.5") + kEnd);
  const auto comparison = compare();
  ASSERT_TRUE(comparison.losses.first);
  EXPECT_TRUE(std::isnan(comparison.losses.first->relative()));
}

TEST_F(RunComparisonTest, AStepsLossComesBeforeItsWeightsAndBehindEarlierOnes) {
  write_metrics(b_, train_line(1, "2.5") + train_line(11, "2.5") + kEnd);
  set_value("checkpoints/step-00000010.safetensors", kBias, 0, 1);
  EXPECT_FALSE(compare().parts_at_loss());
  for (const auto& run : {a_, b_}) {
    std::filesystem::remove(run / "checkpoints/step-00000010.safetensors");
  }
  set_value("checkpoints/step-00000020.safetensors", kBias, 0, 1);
  EXPECT_TRUE(compare().parts_at_loss());
}

TEST_F(RunComparisonTest, LossesAreComparedAtTheStepsThatBothLogged) {
  write_metrics(b_, train_line(1, "2.5") + train_line(6, "9") + train_line(11, "2.25") +
                        train_line(16, "9") + kEnd);
  const auto comparison = compare();
  EXPECT_TRUE(comparison.identical());
  EXPECT_EQ(comparison.losses.compared, 2);
  EXPECT_THAT(comparison.losses.lines, ElementsAre(2, 4));
}

TEST_F(RunComparisonTest, AResumedRunsLinesReplaceEarlierOnes) {
  write_metrics(b_, train_line(1, "2.5") + train_line(11, "9") + train_line(16, "9") +
                        R"({"event":"run_end","status":"stopped","steps":16})"
                        "\n"
                        R"({"event":"run_start"})"
                        "\n" +
                        train_line(11, "2.25") + kEnd);
  const auto comparison = compare();
  EXPECT_TRUE(comparison.identical());
  EXPECT_THAT(comparison.losses.lines, ElementsAre(2, 2));
}

TEST_F(RunComparisonTest, AShorterRunIsIdenticalAsFarAsItGoes) {
  write_metrics(b_, train_line(1, "2.5") + R"({"event":"tra)");  // torn
  std::filesystem::remove(b_ / "checkpoints/step-00000020.safetensors");
  std::filesystem::remove(b_ / "model.safetensors");
  const auto comparison = compare();
  EXPECT_TRUE(comparison.identical());
  EXPECT_EQ(comparison.losses.compared, 1);
  EXPECT_THAT(comparison.checkpoints, SizeIs(1));
  EXPECT_THAT(comparison.checkpoints_held, ElementsAre(2, 1));
  EXPECT_THAT(comparison.steps, ElementsAre(20, 10));
  EXPECT_FALSE(comparison.final_weights);
}

TEST_F(RunComparisonTest, FinalWeightsAfterOtherStepsAreNotCompared) {
  write_metrics(b_, train_line(1, "2.5") + R"({"event":"run_end","steps":10})"
                                           "\n");
  set_value("model.safetensors", kBias, 0, 1);
  EXPECT_TRUE(compare().identical());
  EXPECT_FALSE(compare().final_weights);
}

TEST_F(RunComparisonTest, NothingInCommonIsAnErrorNotAnAnswer) {
  write_metrics(b_, train_line(2, "2.5"));
  std::filesystem::remove_all(b_ / "checkpoints");
  std::filesystem::remove(b_ / "model.safetensors");
  tests::expect_error<DataError>([&] { (void)compare(); }, {"nothing in common", "log_every"});
}

TEST_F(RunComparisonTest, DamagedAndMissingFilesAreNamed) {
  const auto expect_error = [&](std::initializer_list<std::string_view> mentions) {
    tests::expect_error<DataError>([&] { (void)compare(); }, mentions);
  };
  write_metrics(b_, train_line(1, "2.5") + "{\"event\":\n" + kEnd);
  expect_error({"b/metrics.jsonl:2", "not a JSON object"});
  write_metrics(b_, train_line(1, "\"x\""));
  expect_error({"b/metrics.jsonl:1", "'loss'"});
  write_metrics(b_, R"({"event":"train","loss":1})"
                    "\n");
  expect_error({"b/metrics.jsonl:1", "'epoch'"});
  write_metrics(b_, std::string(2 << 20, ' ') + "\n");
  expect_error({"b/metrics.jsonl", "a line has more than"});
  std::filesystem::remove(b_ / "metrics.jsonl");
  expect_error({"b/metrics.jsonl", "No such file"});
  write_metrics(b_, kEnd);
  tests::write_bytes(b_ / "config.json", "{");
  expect_error({"b/config.json", "not a JSON object"});
  write_config(b_, "{}");
  tests::write_bytes(b_ / "model.safetensors", "short");
  expect_error({"b/model.safetensors", "offset 0"});
  std::filesystem::remove_all(b_);
  expect_error({"b' is not a folder", "output_dir"});
}

TEST_F(RunComparisonTest, SettingsThatMayChangeBitsAreListed) {
  write_config(a_, R"({"threads":1,"lr":0.1,"log_every":1,"epochs":1,"lr_schedule":"constant"})",
               R"("world_size":1,"versions":{"libtorch":"1.13.0"})");
  write_config(b_, R"({"threads":2,"lr":0.1,"log_every":2,"epochs":2,"lr_schedule":"constant"})",
               R"("world_size":2,"versions":{"libtorch":"2.15.0"})");
  EXPECT_THAT(settings(), ElementsAre("threads", "world_size", "versions.libtorch"));
  const auto threads = compare().settings.front();
  EXPECT_EQ(threads.a, "1");
  EXPECT_EQ(threads.b, "2");
  EXPECT_FALSE(threads.other_problem);
}

TEST_F(RunComparisonTest, TheLengthMattersWhereTheLearningRateFollowsIt) {
  write_config(a_, R"({"epochs":1,"lr_schedule":"cosine"})");
  write_config(b_, R"({"epochs":2,"lr_schedule":"cosine"})");
  EXPECT_THAT(settings(), ElementsAre("epochs"));
}

TEST_F(RunComparisonTest, VirtualShardsMakeTheNumberOfRanksIrrelevant) {
  write_config(a_, R"({"batch_size":64,"virtual_shards":8})", R"("world_size":1)");
  write_config(b_, R"({"batch_size":32,"virtual_shards":8})", R"("world_size":2)");
  EXPECT_THAT(settings(), IsEmpty());
  write_config(b_, R"({"batch_size":32})", R"("world_size":2)");
  EXPECT_THAT(settings(), ElementsAre("batch_size", "virtual_shards", "world_size"));
}

TEST_F(RunComparisonTest, AnotherKindOfDeviceMayChangeBitsNotTheirNumber) {
  const std::string options = R"({"virtual_shards":8})";
  write_config(a_, options, R"("world_size":1,"devices":["A100"])");
  write_config(b_, options, R"("world_size":2,"devices":["A100","A100"])");
  EXPECT_THAT(settings(), IsEmpty());
  write_config(b_, options, R"("world_size":2,"devices":["A100","H100"])");
  EXPECT_THAT(settings(), ElementsAre("devices"));
}

TEST_F(RunComparisonTest, OtherDataAndAnotherNetworkAreOtherProblems) {
  write_config(a_, R"({"hidden":[512]})", R"("dataset":{"sha256":{"train_images":"00"}})");
  write_config(b_, R"({"hidden":[256]})", R"("dataset":{"sha256":{"train_images":"11"}})");
  const auto found = compare().settings;
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].name, "dataset.sha256.train_images");
  EXPECT_EQ(found[1].name, "hidden");
  EXPECT_TRUE(found[0].other_problem);
  EXPECT_TRUE(found[1].other_problem);
}

}  // namespace
}  // namespace lockstep::train
