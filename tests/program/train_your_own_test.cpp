// The example of a program of one's own: its network, data and loss with all that `lockstep train`
// has.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Points {
  torch::Tensor positions;
  torch::Tensor labels;
};

/// The example's training points.
Points ring() {
  const auto points =
      torch::randn({4000, 2}, torch::make_generator<torch::CPUGeneratorImpl>(std::uint64_t{1}));
  const auto radius = points.square().sum(1).sqrt();
  return {points, radius.gt(0.7).logical_and(radius.lt(1.6)).to(torch::kInt64)};
}

/// The mean losses of the first steps, by plain LibTorch in one process, in order.
std::vector<double> plain_losses(int steps, std::int64_t batch) {
  const auto [positions, labels] = ring();
  torch::manual_seed(0);
  torch::nn::Sequential network(torch::nn::Linear(2, 32), torch::nn::Tanh(),
                                torch::nn::Linear(32, 2));
  torch::optim::SGD optimizer(network->parameters(), 0.1);
  std::vector<double> losses;
  for (std::int64_t step = 0; step < steps; ++step) {
    optimizer.zero_grad();
    const auto loss =
        torch::cross_entropy_loss(network->forward(positions.narrow(0, step * batch, batch)),
                                  labels.narrow(0, step * batch, batch));
    loss.backward();
    optimizer.step();
    losses.push_back(loss.item<double>());
  }
  return losses;
}

class TrainYourOwnTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  [[nodiscard]] Invocation invocation(const std::string& options, const fs::path& run,
                                      int ranks) const {
    return {.arguments = words(options + " --output-dir " + run.string()),
            .program = LOCKSTEP_TRAIN_YOUR_OWN,
            .process_name = "train_your_own",
            .ranks = ranks,
            .folder = folder_.path()};
  }
  /// The digest of the weights that a run ends with.
  [[nodiscard]] std::string digest_of(const std::string& options, const fs::path& run,
                                      int ranks) const {
    const auto outcome = run_program(invocation(options, run, ranks));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto ends = read_events(run, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
};

TEST_F(TrainYourOwnTest, ItsLossesArePlainLibTorchs) {
  const auto expected = plain_losses(50, 64);
  for (const int ranks : {1, 2}) {
    const auto run = folder_ / fmt::format("run{}", ranks);
    (void)digest_of("--shuffle off --lr 0.1 --max-steps 50 --log-every 1 --global-batch-size 64",
                    run, ranks);
    const auto steps = read_events(run, "train");
    ASSERT_THAT(steps, SizeIs(expected.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_NEAR(steps[i].at("loss").get<double>(), expected[i], 1e-5) << "step " << i;
    }
  }
}

TEST_F(TrainYourOwnTest, ItHasTheFilesOfARunThatReportsShow) {
  const auto run = folder_ / "run";
  (void)digest_of("--epochs 40 --optimizer adam --lr 0.01", run, 2);
  const auto last = read_events(run, "test").back();
  EXPECT_GT(last.at("accuracy").get<double>(), 0.85) << "it learns";
  bool has_events = false;
  for (const auto& entry : fs::directory_iterator(run)) {
    has_events = has_events || entry.path().filename().string().starts_with("events.out.tfevents");
  }
  EXPECT_TRUE(has_events);
  const auto config = nlohmann::json::parse(std::ifstream(run / "config.json"));
  EXPECT_EQ(config.at("program"), "train_your_own");
  const auto report = run_program({.arguments = words("report " + run.string()), .ranks = 0});
  EXPECT_EQ(report.exit_code, 0) << report.standard_error;
  const auto page = run / "report.html";
  std::ifstream file(page);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const char* part :
       {"mpirun -np 2 train_your_own", "--epochs 40 --optimizer adam", "Confusion matrix"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  const auto evaluated = run_program(
      {.arguments = words("evaluate --checkpoint " + (run / "model.safetensors").string())});
  EXPECT_EQ(evaluated.exit_code, 3) << "the weights are of another program's task";
  EXPECT_THAT(evaluated.standard_error, HasSubstr("'ring'"));
}

TEST_F(TrainYourOwnTest, AKilledRunGoesOnExactlyAtAnotherNumberOfRanks) {
  const std::string options =
      "--epochs 250 --global-batch-size 64 --virtual-shards 2 --optimizer adam --lr 0.01 "
      "--checkpoint-every 200";
  const auto expected = digest_of(options, folder_ / "whole", 1);
  ASSERT_THAT(expected, SizeIs(64));
  auto killed = invocation(options, folder_ / "run", 2);
  killed.signal_after_first_line = SIGKILL;
  killed.signal_delay_ms = 600;
  const auto outcome = run_program(killed);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(outcome.ranks_left, 0);
  EXPECT_EQ(digest_of(options + " --resume auto", folder_ / "run", 1), expected);
}

TEST_F(TrainYourOwnTest, AStoppedRankIsNamed) {
  auto stopped = invocation("--epochs 100000 --collective-timeout 3", folder_ / "run", 2);
  stopped.signal_after_first_line = SIGSTOP;
  stopped.signal_target = SignalTarget::kOneRank;
  stopped.signalled_rank = 1;
  const auto outcome = run_program(stopped);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.ranks_left, 0);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  ASSERT_THAT(outcome.signalled, SizeIs(1));
  EXPECT_THAT(outcome.errors()[0], HasSubstr(fmt::format("pid {})", outcome.signalled[0])));
}

TEST_F(TrainYourOwnTest, ALossOfItsOwnHasNoLabelSmoothing) {
  const auto outcome = run_program(invocation("--label-smoothing 0.1", folder_ / "run", 2));
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0],
              AllOf(HasSubstr("--label-smoothing"), HasSubstr("a loss of its own")));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

TEST_F(TrainYourOwnTest, MistakesAreOneLineAndHelpKnowsTheProgram) {
  const auto help = run_program({.arguments = {"--help"}, .program = LOCKSTEP_TRAIN_YOUR_OWN});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.standard_output,
              AllOf(HasSubstr("Usage: mpirun -np N train_your_own"), HasSubstr("--resume")));
  EXPECT_THAT(help.standard_output, ::testing::Not(HasSubstr("--hidden")));
  for (const int ranks : {0, 2}) {
    const auto wrong = run_program({.arguments = {"--epoch", "3"},
                                    .program = LOCKSTEP_TRAIN_YOUR_OWN,
                                    .ranks = ranks,
                                    .folder = folder_.path()});
    EXPECT_EQ(wrong.exit_code, 2);
    ASSERT_THAT(wrong.errors(), SizeIs(1)) << wrong.standard_error;
    EXPECT_THAT(wrong.errors()[0], HasSubstr("--epochs"));
  }
}

}  // namespace
}  // namespace lockstep::tests
