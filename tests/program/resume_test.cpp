// Runs that are ended before their end, and go on as if nothing had happened.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <random>
#include <regex>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// What a run has told and come to, without times.
struct Story {
  std::vector<std::string> lines;
  std::string digest;
  friend bool operator==(const Story&, const Story&) = default;
};

std::string without_times(nlohmann::json event) {
  const std::set<std::string> kept = {"event", "epoch",    "step",     "samples", "loss",
                                      "lr",    "accuracy", "avg_loss", "correct", "train_loss"};
  nlohmann::json result;
  for (const auto& [name, value] : event.items()) {
    if (kept.count(name) != 0) result[name] = value;
  }
  return result.dump();
}

Story story_of(const fs::path& run) {
  Story story;
  for (const char* kind : {"train", "epoch", "test"}) {
    for (const auto& event : read_events(run, kind)) story.lines.push_back(without_times(event));
  }
  const auto ends = read_events(run, "run_end");
  if (!ends.empty()) story.digest = ends.back().value("parameters_sha256", "");
  return story;
}

class ResumeTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  /// A run of some two seconds whose every bit is looked at; `more` wins.
  static std::vector<std::string> arguments(const fs::path& run, const std::string& more = "") {
    auto all = words("train " + more + " --output-dir " + run.string());
    const auto usual = words(
        "--epochs 3 --train-samples 16000 --test-samples 1000 --global-batch-size 64 --tail exact "
        "--log-every 7 --checkpoint-every 25 --optimizer adam --lr 0.002 --hidden 256,256");
    for (std::size_t i = 0; i < usual.size(); i += 2) {
      if (std::find(all.begin(), all.end(), usual[i]) != all.end()) continue;
      all.insert(all.end(), {usual[i], usual[i + 1]});
    }
    return all;
  }
  Story undisturbed(int ranks, const std::string& more = "") {
    const auto run = folder_ / "undisturbed";
    const auto outcome = run_program({.arguments = arguments(run, more), .ranks = ranks});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    auto story = story_of(run);
    EXPECT_THAT(story.digest, SizeIs(64));
    return story;
  }
};

TEST_F(ResumeTest, ASignalSavesAndResumeGoesOnAsIfNothingHadHappened) {
  const auto expected = undisturbed(2);
  struct Case {
    int signal;
    SignalTarget target;
  };
  int number = 0;
  for (const auto& [signal, target] :
       {Case{SIGUSR1, SignalTarget::kOneRank}, Case{SIGUSR1, SignalTarget::kLauncher},
        Case{SIGUSR1, SignalTarget::kAllRanks}, Case{SIGTERM, SignalTarget::kOneRank},
        Case{SIGINT, SignalTarget::kOneRank}}) {
    SCOPED_TRACE(std::to_string(number));
    const auto run = folder_ / ("signalled" + std::to_string(number++));
    const auto stopped = run_program({.arguments = arguments(run),
                                      .ranks = 2,
                                      .signal_after_first_line = signal,
                                      .signal_target = target,
                                      .signal_delay_ms = 300});
    ASSERT_EQ(stopped.exit_code, 75) << stopped.standard_error;
    EXPECT_THAT(stopped.errors(), IsEmpty()) << stopped.standard_error;
    EXPECT_THAT(stopped.standard_error,
                AllOf(HasSubstr("lockstep: stopped by a signal in epoch"),
                      HasSubstr("state is saved"), HasSubstr("--resume auto")));
    EXPECT_EQ(stopped.ranks_left, 0);
    const auto end = read_events(run, "run_end").back();
    EXPECT_EQ(end["status"], "preempted");
    const auto steps = end["steps"].get<std::int64_t>();
    EXPECT_LT(steps, 750);
    const auto again = run_program({.arguments = arguments(run, "--resume auto"), .ranks = 2});
    ASSERT_EQ(again.exit_code, 0) << again.standard_error;
    EXPECT_THAT(again.standard_error, HasSubstr("step " + std::to_string(steps)));
    EXPECT_EQ(story_of(run), expected);
  }
}

TEST_F(ResumeTest, AtTheLaunchersDeathTheRunCanBeResumed) {
  const auto expected = undisturbed(2);
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto run = folder_ / ("launcher" + std::to_string(signal));
    const auto stopped = run_program({.arguments = arguments(run),
                                      .ranks = 2,
                                      .signal_after_first_line = signal,
                                      .signal_target = SignalTarget::kLauncher,
                                      .signal_delay_ms = 300});
    EXPECT_NE(stopped.exit_code, 0);
    EXPECT_EQ(stopped.ranks_left, 0);
    const auto again = run_program({.arguments = arguments(run, "--resume auto"), .ranks = 2});
    ASSERT_EQ(again.exit_code, 0) << again.standard_error;
    EXPECT_EQ(story_of(run), expected);
  }
}

/// LOCKSTEP_SOAK_KILLS asks for more than the everyday few.
int kills_wanted() {
  const char* text = std::getenv("LOCKSTEP_SOAK_KILLS");  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 6 : std::stoi(text);
}

TEST_F(ResumeTest, KilledAtAnyMomentItEndsWithTheSameWeights) {
  const auto expected = undisturbed(2, "--checkpoint-every 3");
  std::mt19937 random(static_cast<unsigned>(kills_wanted()));
  int kills = 0;
  for (int number = 0; kills < kills_wanted(); ++number) {
    const auto run = folder_ / ("killed" + std::to_string(number));
    const std::string more = "--checkpoint-every 3 --resume auto";
    while (true) {
      const auto outcome =
          run_program({.arguments = arguments(run, more),
                       .ranks = 2,
                       .signal_after_first_line = kills < kills_wanted() ? SIGKILL : 0,
                       .signal_target = static_cast<SignalTarget>(random() % 3),
                       .signal_delay_ms = std::uniform_int_distribution<int>(0, 700)(random)});
      ASSERT_FALSE(outcome.timed_out);
      if (outcome.exit_code == 0) break;
      ++kills;
      ASSERT_THAT(outcome.exit_code, ::testing::AnyOf(1, 128 + SIGKILL, 128 + SIGTERM))
          << outcome.standard_error;
    }
    ASSERT_EQ(story_of(run), expected) << "run " << number;
    for (const auto& entry : fs::directory_iterator(run / "checkpoints")) {
      EXPECT_NE(entry.path().extension(), ".part");
    }
  }
}

TEST_F(ResumeTest, OtherNumbersOfRanksGoOnWithTheSameBits) {
  const std::string shards = "--virtual-shards 4 --momentum 0.9 --optimizer sgd --lr 0.01 ";
  const auto expected = undisturbed(1, shards);
  const auto run = folder_ / "moved";
  int leg = 0;
  for (const auto& [ranks, steps] :
       std::vector<std::pair<int, int>>{{4, 40}, {2, 133}, {1, 251}, {4, 300}, {2, 0}}) {
    const auto limit = steps == 0 ? std::string() : " --max-steps " + std::to_string(steps);
    const auto outcome =
        run_program({.arguments = arguments(run, fmt::format("{}--resume auto{}", shards, limit)),
                     .ranks = ranks});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    if (leg++ > 0) {
      EXPECT_THAT(outcome.standard_error, HasSubstr("going on from"));
    }
  }
  EXPECT_EQ(story_of(run), expected);
}

TEST_F(ResumeTest, AFinishedRunSaysSo) {
  const auto run = folder_ / "run";
  const auto more = std::string("--max-steps 30 --resume auto");
  ASSERT_EQ(run_program({.arguments = arguments(run, more), .ranks = 2}).exit_code, 0);
  const auto story = story_of(run);
  const auto again = run_program({.arguments = arguments(run, more), .ranks = 2});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.standard_error, HasSubstr("this run is finished: 30 steps"));
  EXPECT_THAT(again.standard_output, IsEmpty());
  EXPECT_EQ(story_of(run), story);
}

TEST_F(ResumeTest, ADamagedCheckpointIsSaidAndTheOneBeforeUsed) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program({.arguments = arguments(run, "--max-steps 60"), .ranks = 2}).exit_code, 0);
  const auto newest = run / "checkpoints/step-00000060.safetensors";
  ASSERT_EQ(fs::read_symlink(run / "checkpoints/latest"), newest.filename());
  auto bytes = read_bytes(newest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_bytes(newest, bytes);
  const auto again =
      run_program({.arguments = arguments(run, "--max-steps 60 --resume auto"), .ranks = 2});
  EXPECT_EQ(again.exit_code, 0) << again.standard_error;
  EXPECT_THAT(again.standard_error, AllOf(HasSubstr("warning: "), HasSubstr("step-00000060"),
                                          HasSubstr("going on from"), HasSubstr("step 50")));
  EXPECT_THAT(read_events(run, "train"), SizeIs(9));  // steps 1, 8 … 57, none twice
}

TEST_F(ResumeTest, ACheckpointOfAnotherRunIsRefusedWithWhatDiffers) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program({.arguments = arguments(run, "--max-steps 30"), .ranks = 2}).exit_code, 0);
  const auto file = (run / "checkpoints/latest").string();
  for (const auto& [options, what] : std::map<std::string, std::string>{
           {"--lr 0.5", "lr is 0.002 there and 0.5 here"},
           {"--hidden 64", "hidden is [256,256] there and [64] here"},
           {"--global-batch-size 32", "global_batch_size is 64 there and 32 here"},
           {"--train-samples 15000", "train_samples is 16000 there and 15000 here"}}) {
    const auto outcome = run_program(
        {.arguments = arguments(folder_ / "other", fmt::format("{} --resume {}", options, file)),
         .ranks = 2});
    EXPECT_EQ(outcome.exit_code, 3) << options;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], AllOf(HasSubstr("checkpoints/latest"), HasSubstr(what)));
    EXPECT_FALSE(fs::exists(folder_ / "other"));
  }
}

TEST_F(ResumeTest, AFileStartsABranchInAFolderOfItsOwn) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program({.arguments = arguments(run, "--max-steps 30"), .ranks = 2}).exit_code, 0);
  const auto branch = folder_ / "branch";
  const auto file = (run / "checkpoints/step-00000025.safetensors").string();
  const auto outcome =
      run_program({.arguments = arguments(branch, "--max-steps 40 --resume " + file), .ranks = 1});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(read_events(branch, "run_start").at(0)["steps_before"], 25);
  EXPECT_EQ(read_events(branch, "train").front()["step"], 29);
  EXPECT_EQ(read_events(run, "run_end").back()["steps"], 30);
}

TEST_F(ResumeTest, ARunsFolderOrItsCheckpointsGoOnInTheRunsFolder) {
  const auto usual = [](const std::string& more) {
    return words(
        "train --synthetic --train-samples 2560 --test-samples 64 --epochs 2 --hidden 8 "
        "--threads 1 " +
        more);
  };
  const auto run = folder_ / "run";
  const auto checkpoints = run / "checkpoints";
  ASSERT_EQ(
      run_program({.arguments = usual("--max-steps 10 --output-dir " + run.string())}).exit_code,
      0);
  struct Case {
    std::string resume;
    fs::path folder;
  };
  int steps = 10;
  for (const auto& [resume, folder] :
       {Case{run.string(), "."}, Case{"run", folder_.path()},
        Case{"run/checkpoints/", folder_.path()}, Case{".", checkpoints}, Case{"..", checkpoints},
        Case{".", run}, Case{"run --output-dir run", folder_.path()},
        Case{"latest --output-dir ..", checkpoints},
        Case{"run/checkpoints/latest --output-dir run", folder_.path()},
        Case{"checkpoints/latest --output-dir .", run}}) {
    SCOPED_TRACE(resume);
    const auto outcome = run_program(
        {.arguments = usual(fmt::format("--max-steps {} --resume {}", steps + 2, resume)),
         .folder = folder});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_EQ(read_events(run, "run_start").back()["steps_before"], steps);
    steps += 2;
    EXPECT_EQ(read_events(run, "run_end").back()["steps"], steps);
  }
  EXPECT_FALSE(fs::exists(folder_ / "runs"));
  EXPECT_FALSE(fs::exists(checkpoints / "runs"));

  // Elsewhere it is a branch, also of checkpoints that were copied away.
  fs::copy(checkpoints, folder_ / "copies");
  for (const char* from : {"run", "copies"}) {
    const auto outcome =
        run_program({.arguments = usual(fmt::format(
                         "--max-steps {} --resume {} --output-dir from_{}", steps + 1, from, from)),
                     .folder = folder_.path()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_EQ(
        read_events(folder_ / fmt::format("from_{}", from), "run_start").at(0)["steps_before"],
        steps);
  }
  EXPECT_EQ(read_events(run, "run_end").back()["steps"], steps);

  fs::create_directory(folder_ / "empty");
  const auto outcome =
      run_program({.arguments = usual("--resume empty"), .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 3);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("--resume empty: there is no checkpoint"));
}

TEST_F(ResumeTest, ADamagedLineOfMetricsIsLeftOutWithAWarning) {
  const auto run = folder_ / "run";
  ASSERT_EQ(run_program({.arguments = arguments(run, "--max-steps 60"), .ranks = 2}).exit_code, 0);
  const auto expected = story_of(run).digest;
  auto lines = read_bytes(run / "metrics.jsonl");
  lines.insert(lines.find('\n') + 1, std::string(50, '\0') + "\n");
  write_bytes(run / "metrics.jsonl", lines);
  fs::remove(run / "checkpoints/step-00000060.safetensors");
  fs::remove(run / "checkpoints/latest");
  const auto again =
      run_program({.arguments = arguments(run, "--max-steps 60 --resume auto"), .ranks = 2});
  ASSERT_EQ(again.exit_code, 0) << again.standard_error;
  EXPECT_THAT(again.standard_error, AllOf(HasSubstr("warning: "),
                                          HasSubstr("metrics.jsonl: line 2 is not a JSON object")));
  EXPECT_EQ(story_of(run).digest, expected);
  EXPECT_THAT(read_events(run, "train"), SizeIs(9));
}

TEST_F(ResumeTest, SaysWhatIsMissing) {
  auto outcome = run_program({.arguments = words("train --synthetic --resume auto")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.standard_error, HasSubstr("--resume auto needs --output-dir"));
  outcome = run_program({.arguments = words("train --synthetic --resume none.safetensors")});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.standard_error, HasSubstr("none.safetensors"));
}

TEST_F(ResumeTest, TheLossThatIsNotFiniteLeavesTheLastGoodCheckpoint) {
  const auto run = folder_ / "run";
  const auto outcome =
      run_program({.arguments = words(
                       "train --train-samples 2000 --checkpoint-every 1 --optimizer sgd --lr 1e4 "
                       "--output-dir " +
                       run.string()),
                   .ranks = 2});
  EXPECT_EQ(outcome.exit_code, 1);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  // "epoch 1, step 4: the loss is not finite in the batch of rank 1 (host, pid 4711): try …"
  const auto error = outcome.errors()[0];
  std::smatch found;
  ASSERT_TRUE(std::regex_search(error, found,
                                std::regex(R"(step (\d+): the loss is not finite in the batch of )"
                                           R"(rank [01] \([^)]*, pid \d+\))")))
      << error;
  const auto name = fs::read_symlink(run / "checkpoints/latest").string();
  EXPECT_EQ(std::stoi(name.substr(name.find('-') + 1)), std::stoi(found[1]) - 1);
  const auto evaluated = run_program(
      {.arguments = {"evaluate", "--checkpoint", (run / "checkpoints/latest").string()}});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.standard_error;
}

}  // namespace
}  // namespace lockstep::tests
