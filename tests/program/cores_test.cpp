// How many threads a rank computes with, whoever limits them; and that none is waited for in vain.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using Environment = std::map<std::string, std::string>;

class CoresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one core leaves no choice";
  }
  /// doctor's word on the first rank; `prefix` stands before the program.
  nlohmann::json rank_0(const std::string& prefix, const Environment& environment = {}) {
    const auto outcome = shell(prefix + " " + LOCKSTEP_PROGRAM + " doctor --json", environment);
    const auto report = nlohmann::json::parse(outcome.standard_output, nullptr, false);
    EXPECT_TRUE(report.is_object()) << outcome.standard_output << outcome.standard_error;
    return report.is_object() ? report.at("ranks").at(0) : nlohmann::json();
  }
  Outcome shell(const std::string& command, const Environment& environment = {}) {
    return run_program({.arguments = {"-c", command},
                        .program = "/bin/bash",
                        .environment = environment,
                        .folder = folder_.path()});
  }
  Outcome train(const Environment& environment, const std::string& more = "") {
    return run_program({.arguments = words("train --synthetic --max-steps 3 --output-dir " +
                                           (folder_ / "run").string() + " " + more),
                        .environment = environment});
  }
  int threads_of_run() {
    const auto config = nlohmann::json::parse(read_bytes(folder_ / "run" / "config.json"));
    return config.at("options").at("threads").get<int>();
  }

  const TemporaryFolder folder_;
  const std::string mpirun_ = std::string(LOCKSTEP_MPIRUN) + " --oversubscribe";
};

TEST_F(CoresTest, ThreadsThatOpenMpDoesNotGiveAreNotWaitedFor) {
  for (const auto& environment :
       {Environment{{"OMP_THREAD_LIMIT", "1"}}, Environment{{"OMP_MAX_ACTIVE_LEVELS", "0"}}}) {
    const auto outcome = train(environment);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_THAT(outcome.standard_error, HasSubstr("which is all that OpenMP gives"));
    EXPECT_EQ(threads_of_run(), 1);
    fs::remove_all(folder_ / "run");
  }
}

TEST_F(CoresTest, ThreadsThatComeAndGoWithTheLoadAreNot) {
  const auto outcome = train({{"OMP_DYNAMIC", "true"}}, "--threads 2");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(threads_of_run(), 2);
}

TEST_F(CoresTest, ThreadsThatWereAskedForAndCannotBeHadAreAnError) {
  const auto outcome = train({{"OMP_THREAD_LIMIT", "1"}}, "--threads 2");
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("--threads 2: OpenMP gives this process only 1"));
}

TEST_F(CoresTest, OmpNumThreadsCounts) {
  const auto rank = rank_0("", {{"OMP_NUM_THREADS", "1,4"}});
  EXPECT_EQ(rank["threads"], 1);
  EXPECT_EQ(rank["threads_by"], "OMP_NUM_THREADS");
  ASSERT_EQ(train({{"OMP_NUM_THREADS", "1"}}).exit_code, 0);
  EXPECT_EQ(threads_of_run(), 1);
}

TEST_F(CoresTest, TheCoresThatMpirunMayUseAreAllThatARankTakes) {
  for (const char* binding : {"", " --bind-to none", " --bind-to core"}) {
    EXPECT_EQ(rank_0("taskset -c 0 " + mpirun_ + binding + " -np 1")["threads"], 1) << binding;
  }
  // The same through a script, which hides mpirun behind a shell.
  EXPECT_EQ(rank_0("taskset -c 0 " + mpirun_ + " -np 1 env")["threads"], 1);
}

TEST_F(CoresTest, ABindingFromOpenMpisFilesIsTheUsers) {
  fs::create_directories(folder_ / ".openmpi");
  const auto file = folder_ / ".openmpi" / "mca-params.conf";
  const Environment home = {{"HOME", folder_.path().string()}};
  const auto all = static_cast<int>(std::thread::hardware_concurrency());
  EXPECT_EQ(rank_0(mpirun_ + " -np 1", home)["threads"], all);
  write_bytes(file, "hwloc_base_binding_policy = core\n");
  EXPECT_EQ(rank_0(mpirun_ + " -np 1", home)["threads"], 1);
  write_bytes(file, "rmaps_base_mapping_policy = slot:PE=1\n");
  EXPECT_EQ(rank_0(mpirun_ + " -np 1", home)["threads"], 1);
  write_bytes(file, "hwloc_base_binding_policy = none\n");
  EXPECT_EQ(rank_0(mpirun_ + " -np 1", home)["threads"], all);
}

TEST_F(CoresTest, OmpProcBindLeavesAProcessAllItsCores) {
  const auto all = static_cast<int>(std::thread::hardware_concurrency());
  for (const char* binding : {"true", "close", "spread"}) {
    EXPECT_EQ(rank_0("", {{"OMP_PROC_BIND", binding}})["threads"], all) << binding;
  }
  // Open MPI's one core is all that OpenMP saw when it was loaded; its threads cannot leave it.
  const auto bound = rank_0(mpirun_ + " -np 1", {{"OMP_PROC_BIND", "true"}});
  EXPECT_EQ(bound["threads"], 1);
  EXPECT_EQ(bound["idle_cores"], all - 1);
}

/// A group with a CPU quota, in version 1 or 2; unusable where this user may not make one.
class QuotaGroup {
 public:
  explicit QuotaGroup(int quota_us) {
    for (const fs::path mount : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup"}) {
      const auto folder = mount / fmt::format("lockstep-test-{}", ::getpid());
      std::error_code error;
      if (!fs::create_directory(folder, error)) continue;
      folder_ = folder;
      const bool first = fs::exists(folder / "cpu.cfs_quota_us");
      std::ofstream quota(folder / (first ? "cpu.cfs_quota_us" : "cpu.max"));
      quota << quota_us << (first ? "" : " 100000") << std::flush;
      usable_ = quota.good();
      if (usable_) return;
      fs::remove(folder_, error);
    }
  }
  ~QuotaGroup() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove(folder_, ignored);
  }
  QuotaGroup(const QuotaGroup&) = delete;
  QuotaGroup& operator=(const QuotaGroup&) = delete;
  QuotaGroup(QuotaGroup&&) = delete;
  QuotaGroup& operator=(QuotaGroup&&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  /// A command that puts its shell, and what that starts, into the group.
  [[nodiscard]] std::string enter() const {
    return fmt::format("echo $$ >{}/cgroup.procs && ", folder_.string());
  }

 private:
  fs::path folder_;
  bool usable_ = false;
};

TEST_F(CoresTest, AContainersCpuQuotaLimitsTheThreads) {
  const QuotaGroup group(100000);  // one CPU's time
  if (!group.usable()) GTEST_SKIP() << "this user cannot make a cgroup with a CPU quota here";
  const auto rank = rank_0(group.enter());
  EXPECT_EQ(rank["threads"], 1);
  EXPECT_THAT(rank["threads_by"].get<std::string>(), HasSubstr("CPU quota of 1"));
}

}  // namespace
}  // namespace lockstep::tests
