#include <gtest/gtest.h>

#include <lockstep/session/launch_environment.hpp>

namespace lockstep::session {
namespace {

using Variables = LauncherVariables;

TEST(LaunchEnvironment, KeepsWhatLaunchersSayOfRanks) {
  EXPECT_EQ(launcher_variables({"HOME=/x", "PMI_SIZE=4", "OMPI_COMM_WORLD_RANK=1", "PMI_SIZES=9"}),
            (Variables{{"PMI_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "1"}}));
}

TEST(LaunchEnvironment, SeveralProcessesThatMpiSeesAloneComeFromAnotherLauncher) {
  for (const char* name :
       {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const auto other = other_launcher({{name, "4"}}, 1);
    ASSERT_TRUE(other) << name;
    EXPECT_EQ(other->variable, name);
    EXPECT_EQ(other->describe(), "the launcher started 4 ranks, and MPI sees each alone");
    EXPECT_FALSE(other_launcher({{name, "4"}}, 4)) << name;
    EXPECT_FALSE(other_launcher({{name, "1"}}, 1)) << name;
  }
  EXPECT_TRUE(other_launcher({{"WORLD_SIZE", "2"}, {"TORCHELASTIC_RUN_ID", "x"}}, 1));
  EXPECT_FALSE(other_launcher({{"WORLD_SIZE", "2"}}, 1)) << "a name that anybody may use";
  EXPECT_FALSE(other_launcher({{"SLURM_NTASKS", "8"}}, 1)) << "of the job, also beside no step";
  EXPECT_FALSE(other_launcher({}, 1));
}

TEST(LaunchEnvironment, MpirunThatAgreesWithMpiIsRightInsideAnySlurmStep) {
  EXPECT_FALSE(other_launcher({{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}, 1));
  EXPECT_TRUE(other_launcher({{"OMPI_COMM_WORLD_SIZE", "2"}, {"SLURM_STEP_NUM_TASKS", "1"}}, 1));
}

TEST(LaunchEnvironment, TheFirstOfThoseStartedTogetherSpeaks) {
  EXPECT_TRUE(place_of({}).first);
  EXPECT_TRUE(place_of({}).alone);
  const auto of_mpirun = [](const char* rank, const char* size) {
    // As srun-started daemons have them: the same on all ranks of a node, and wrong.
    return place_of({{"OMPI_COMM_WORLD_RANK", rank},
                     {"OMPI_COMM_WORLD_SIZE", size},
                     {"SLURM_PROCID", "1"},
                     {"SLURM_STEP_NUM_TASKS", "2"}});
  };
  EXPECT_TRUE(of_mpirun("0", "3").first);
  EXPECT_FALSE(of_mpirun("2", "3").first);
  EXPECT_TRUE(of_mpirun("2", "3").by_mpirun);
  EXPECT_TRUE(of_mpirun("0", "1").alone);
  const auto of_srun = place_of({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  EXPECT_FALSE(of_srun.first);
  EXPECT_FALSE(of_srun.by_mpirun);
  EXPECT_TRUE(place_of({{"SLURM_PROCID", "0"}}).alone) << "a batch script";
}

}  // namespace
}  // namespace lockstep::session
