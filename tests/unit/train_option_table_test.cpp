#include <gtest/gtest.h>

#include <lockstep/app/train_option_table.hpp>

namespace lockstep::app {
namespace {

TEST(TrainOptionTable, DefaultsAreTheContracts) {
  train::TrainOptions options;
  const auto values = current_values(train_option_table(options));
  EXPECT_EQ(values["epochs"], 10);
  EXPECT_EQ(values["optimizer"], "sgd");
  EXPECT_EQ(values["lr"], 1e-3);
  EXPECT_EQ(values["shuffle"], true);
  EXPECT_EQ(values["seed"], 0);
  EXPECT_EQ(values["tail"], "pad");
  EXPECT_EQ(values["hidden"], (std::vector<int>{512, 512}));
  EXPECT_EQ(values["log_every"], 100);
  EXPECT_EQ(values["test_batch_size"], 64);
  EXPECT_EQ(values["device"], "auto");
}

TEST(TrainOptionTable, HelpNamesEveryOptionAndItsDefaultTruly) {
  train::TrainOptions options;
  const auto table = train_option_table(options);
  const auto help = help_text(table);
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      EXPECT_NE(help.find("--" + option.name), std::string::npos) << option.name;
      const auto position = option.help.find("(default ");
      // Defaults that depend on the run are described, not quoted.
      if (position == std::string::npos || option.name == "batch-size" ||
          option.name == "output-dir") {
        continue;
      }
      const auto begin = position + std::string("(default ").size();
      const auto stated =
          option.help.substr(begin, option.help.find_first_of(":) ", begin) - begin);
      auto before = option.binding.get();
      ASSERT_TRUE(option.binding.set(stated)) << option.name << ": " << stated;
      EXPECT_EQ(option.binding.get(), before) << option.name;
    }
  }
}

}  // namespace
}  // namespace lockstep::app
