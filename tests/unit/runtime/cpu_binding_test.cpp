#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/runtime/cpu_binding.hpp>

namespace lockstep::runtime {
namespace {

const std::vector<int> kEight = {0, 1, 2, 3, 4, 5, 6, 7};

TEST(PlanCpus, WidensOpenMpisDefaultBindingToTheRanksShare) {
  const CpuTopology topology{.bound = {1}, .available = kEight, .bound_by_default = true};
  const auto plan = plan_cpus(topology, 1, 2, 0);
  EXPECT_EQ(plan.cpus, (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(plan.threads, 4);
}

TEST(PlanCpus, SharesEveryCoreOnceWhenTheyDoNotDivide) {
  std::vector<int> seen;
  for (int rank = 0; rank < 3; ++rank) {
    const CpuTopology topology{.bound = {rank}, .available = kEight, .bound_by_default = true};
    const auto plan = plan_cpus(topology, rank, 3, 0);
    seen.insert(seen.end(), plan.cpus.begin(), plan.cpus.end());
    EXPECT_EQ(plan.threads, static_cast<int>(plan.cpus.size()));
  }
  EXPECT_EQ(seen, kEight);
}

TEST(PlanCpus, RespectsABindingThatSomebodyChose) {
  const CpuTopology topology{.bound = {2, 3}, .available = kEight, .bound_by_default = false};
  const auto plan = plan_cpus(topology, 0, 2, 0);
  EXPECT_TRUE(plan.cpus.empty());
  EXPECT_EQ(plan.threads, 2);
}

TEST(PlanCpus, UnboundRanksShareTheCores) {
  const CpuTopology topology{.bound = kEight, .available = kEight, .bound_by_default = false};
  EXPECT_EQ(plan_cpus(topology, 0, 2, 0).threads, 4);
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 8);
  EXPECT_EQ(plan_cpus(topology, 3, 16, 0).threads, 1);
}

TEST(PlanCpus, TheUsersNumberOfThreadsWins) {
  const CpuTopology topology{.bound = kEight, .available = kEight, .bound_by_default = false};
  const auto plan = plan_cpus(topology, 0, 1, 3);
  EXPECT_EQ(plan.threads, 3);
  EXPECT_EQ(plan.cores, 8);
}

TEST(PlanCpus, ShareTheCoresThatTheLauncherMayUse) {
  // taskset -c 2,3 mpirun -np 2
  const CpuTopology topology{.bound = {2}, .available = {2, 3}, .bound_by_default = true};
  EXPECT_EQ(plan_cpus(topology, 1, 2, 0).cpus, (std::vector<int>{3}));
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).cpus, (std::vector<int>{2, 3}));
  // With --bind-to none they run on the same two.
  const CpuTopology unbound{.bound = {2, 3}, .available = {2, 3}};
  EXPECT_EQ(plan_cpus(unbound, 0, 2, 0).threads, 1);
}

TEST(PlanCpus, ShareTheContainersQuota) {
  CpuTopology topology{.bound = kEight, .available = kEight, .quota = 2.5};
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 2);
  EXPECT_EQ(plan_cpus(topology, 0, 2, 0).threads, 1);
  EXPECT_EQ(plan_cpus(topology, 3, 4, 0).threads, 1);
  EXPECT_NE(plan_cpus(topology, 0, 1, 0).reason.find("CPU quota of 2.5"), std::string::npos);
  topology.quota = 64;
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 8);
  topology.quota = 0.5;
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 1);
  topology.bound = {0};
  topology.bound_by_default = true;
  topology.quota = 2;
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 2);
}

TEST(PlanCpus, OmpNumThreadsCountsUnlessTheOptionSaysOtherwise) {
  const CpuTopology topology{.bound = kEight, .available = kEight, .openmp_threads = 3};
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 3);
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).cores, 8);
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).reason, "OMP_NUM_THREADS");
  EXPECT_EQ(plan_cpus(topology, 0, 1, 2).threads, 2);
  EXPECT_EQ(plan_cpus(topology, 0, 1, 2).reason, "a number that was given");
}

TEST(PlanCpus, ThreadsStayWhereOpenMpBindsThem) {
  CpuTopology topology{
      .bound = {1}, .available = kEight, .bound_by_default = true, .bound_by_openmp = true};
  const auto plan = plan_cpus(topology, 0, 2, 0);
  EXPECT_TRUE(plan.cpus.empty());
  EXPECT_EQ(plan.threads, 1);
  EXPECT_EQ(plan.idle_cores, 3);
  topology.bound = kEight;
  topology.bound_by_default = false;
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).threads, 8);
  EXPECT_EQ(plan_cpus(topology, 0, 1, 0).idle_cores, 0);
}

TEST(ReadCpuTopology, SeesAtLeastTheCoreItRunsOn) {
  const auto topology = read_cpu_topology();
  EXPECT_FALSE(topology.bound.empty());
  EXPECT_FALSE(topology.available.empty());
}

}  // namespace
}  // namespace lockstep::runtime
