#include <set>
#include <string>

#include <gtest/gtest.h>

#include <lockstep/session/train_option_table.hpp>
#include <lockstep/task/builtin_task.hpp>

namespace lockstep::session {
namespace {

TEST(TrainOptionTable, DefaultsAreTheContracts) {
  train::TrainOptions options;
  task::BuiltinTask task;
  const auto values = current_values(train_option_table(options, task));
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
  task::BuiltinTask task;
  const auto table = train_option_table(options, task);
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

std::set<std::string> options_with(Effect effect) {
  train::TrainOptions options;
  task::BuiltinTask task;
  std::set<std::string> names;
  for (const auto& [name, of_option] : effects_of(train_option_table(options, task))) {
    if (of_option == effect) names.insert(name);
  }
  return names;
}

TEST(TrainOptionTable, OptionsSayWhatTheyAffect) {
  using Names = std::set<std::string>;
  EXPECT_EQ(options_with(Effect::kNetwork), (Names{"dropout", "hidden", "model"}));
  // A run can go on only with the same.
  const Names results = {"global_batch_size",
                         "shuffle",
                         "data_seed",
                         "tail",
                         "train_samples",
                         "validation_fraction",
                         "loss",
                         "label_smoothing",
                         "optimizer",
                         "lr",
                         "momentum",
                         "nesterov",
                         "weight_decay",
                         "lr_schedule",
                         "lr_step_epochs",
                         "lr_gamma",
                         "warmup_steps",
                         "clip_grad_norm",
                         "precision",
                         "virtual_shards",
                         "ema_decay",
                         "normalize",
                         "augment"};
  EXPECT_EQ(options_with(Effect::kResults), results);
  EXPECT_EQ(options_with(Effect::kInput),
            (Names{"synthetic", "input_shape", "classes", "resize", "seed", "init_from"}));
  EXPECT_EQ(options_with(Effect::kRounding), (Names{"accumulate_steps", "device", "threads"}));
  EXPECT_EQ(
      options_with(Effect::kOrderOfSums),
      (Names{"backend", "batch_size", "bucket_mb", "first_bucket_mb", "node_shared", "overlap"}));
  EXPECT_EQ(options_with(Effect::kLength), (Names{"early_stop", "epochs", "max_steps"}));
  EXPECT_EQ(options_with(Effect::kNothing),
            (Names{"check_replicas_every", "checkpoint_every", "collective_timeout", "data_dir",
                   "dataset", "evaluate_every", "histogram_every", "keep_best", "keep_checkpoints",
                   "log_every", "output_dir", "progress", "resume", "tensorboard",
                   "test_batch_size", "test_samples", "trace", "trace_first_step", "trace_steps"}));
}

}  // namespace
}  // namespace lockstep::session
