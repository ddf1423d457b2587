// lockstep doctor: what it says of this machine, alone and under mpirun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cifar_bytes.hpp"
#include "idx_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> findings_of_level(const nlohmann::json& report, const std::string& level) {
  std::vector<std::string> found;
  for (const auto& finding : report.at("findings")) {
    if (finding.at("level") == level) found.push_back(finding.at("what"));
  }
  return found;
}

class DoctorTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
};

TEST_F(DoctorTest, ReportsEveryRankAsJson) {
  const auto outcome = run_program(
      {.arguments = {"doctor", "--json", "--device", "cpu"}, .ranks = 3, .folder = folder_.path()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
  const auto report = nlohmann::json::parse(outcome.standard_output);
  EXPECT_EQ(report.at("schema"), 1);
  EXPECT_THAT(report.at("mpi").at("loaded").get<std::string>(), HasSubstr("MPI"));
  EXPECT_EQ(report.at("mpi").at("ranks"), 3);
  EXPECT_TRUE(report.at("torch").at("compiled").is_string());
  EXPECT_EQ(report.at("nccl").is_null(), report.at("cuda").is_null());
  ASSERT_THAT(report.at("ranks"), SizeIs(3));
  for (int rank = 0; rank < 3; ++rank) {
    const auto& facts = report.at("ranks").at(static_cast<std::size_t>(rank));
    EXPECT_EQ(facts.at("rank"), rank);
    EXPECT_EQ(facts.at("local_size"), 3);
    EXPECT_EQ(facts.at("device"), "cpu");
    EXPECT_GE(facts.at("cores"), 1);
  }
  EXPECT_THAT(findings_of_level(report, "ok"), Contains(HasSubstr("3 ranks: 3 on ")));
}

TEST_F(DoctorTest, PrintsATableForPeople) {
  const auto outcome = run_program(
      {.arguments = {"doctor", "--device", "cpu"}, .ranks = 2, .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, HasSubstr("LibTorch "));
  EXPECT_THAT(outcome.standard_output, HasSubstr("ok       2 ranks: 2 on "));
}

TEST_F(DoctorTest, ALauncherThatMpiDoesNotSeeIsAnError) {
  const auto outcome = run_program({.arguments = {"doctor", "--device", "cpu"},
                                    .ranks = 0,
                                    .environment = {{"SLURM_STEP_NUM_TASKS", "4"}},
                                    .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_output,
              HasSubstr("error    the launcher started 4 ranks, and MPI sees each alone: "));
  ASSERT_THAT(outcome.errors(), SizeIs(1));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("of these findings"));
}

TEST_F(DoctorTest, VariablesMayHoldAnyBytes) {
  for (const int ranks : {0, 2}) {
    const auto outcome = run_program({.arguments = {"doctor", "--json", "--device", "cpu"},
                                      .ranks = ranks,
                                      .environment = {{"NCCL_X", "\xff"}, {"TERM", "\xfe"}},
                                      .folder = folder_.path()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
    const auto report = nlohmann::json::parse(outcome.standard_output);
    EXPECT_EQ(report.at("ranks").at(0).at("settings").at("NCCL_X"), "\xef\xbf\xbd");
  }
}

TEST_F(DoctorTest, LooksAtTheFolderThatMpiKeepsSharedMemoryIn) {
  const auto folder = folder_.path().string();
  const auto outcome =
      run_program({.arguments = {"doctor", "--json", "--device", "cpu"},
                   .environment = {{"OMPI_MCA_osc_sm_backing_directory", folder}}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
  const auto report = nlohmann::json::parse(outcome.standard_output);
  EXPECT_EQ(report.at("ranks").at(0).at("shared_memory_folder"), folder);
  EXPECT_EQ(outcome.standard_output.find("/dev/shm"), std::string::npos);
}

TEST_F(DoctorTest, ADataSetThatIsNotThePublishedOneIsNoticed) {
  write_dataset(folder_ / "data", 100, 50);
  const auto outcome =
      run_program({.arguments = {"doctor", "--json", "--device", "cpu", "--data-dir", "data"},
                   .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(findings_of_level(nlohmann::json::parse(outcome.standard_output), "warning"),
              Contains(HasSubstr("not the published images")));
}

TEST_F(DoctorTest, LooksAtDataOfEveryKind) {
  const auto look = [&](const std::vector<std::string>& options) {
    auto arguments = words("doctor --json --device cpu --data-dir data");
    arguments.insert(arguments.end(), options.begin(), options.end());
    const auto outcome = run_program({.arguments = arguments, .folder = folder_.path()});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    return nlohmann::json::parse(outcome.standard_output);
  };
  write_cifar10(folder_ / "data", 3, 2);
  EXPECT_THAT(findings_of_level(look({}), "ok"),
              Contains(HasSubstr("images and labels in data (in the form of CIFAR-10)")));
  EXPECT_THAT(findings_of_level(look({"--dataset", "npy"}), "warning"),
              Contains(HasSubstr("train_inputs.npy is missing")));
  write_bytes(folder_ / "data/data_batch_1.bin", "x");
  EXPECT_THAT(findings_of_level(look({}), "warning"), Contains(HasSubstr("data_batch_1.bin")));
}

}  // namespace
}  // namespace lockstep::tests
