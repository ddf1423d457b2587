#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <lockstep/runtime/cpu_quota.hpp>

#include "temporary_folder.hpp"

namespace lockstep::runtime {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public ::testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    tests::write_bytes(root_ / path, text);
  }
  [[nodiscard]] double quota() const { return read_cpu_quota(root_.path()); }

  const tests::TemporaryFolder root_;
};

TEST_F(CpuQuota, OfVersion2IsTheSmallestOnTheWayUp) {
  put("proc/self/cgroup", "0::/kubepods/pod1/main\n");
  put("sys/fs/cgroup/kubepods/cpu.max", "max 100000\n");
  put("sys/fs/cgroup/kubepods/pod1/cpu.max", "150000 100000\n");
  put("sys/fs/cgroup/kubepods/pod1/main/cpu.max", "400000 100000\n");
  EXPECT_DOUBLE_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, OfAContainersOwnViewIsItsRoots) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_DOUBLE_EQ(quota(), 2);
}

TEST_F(CpuQuota, OfVersion1IsFoundUnderEitherNameOfTheController) {
  put("proc/self/cgroup",
      "12:memory:/user\n4:cpu,cpuacct:/docker/0123abcd\n2:cpuset:/docker/0123abcd\n0::/init\n");
  // Inside of the container, the group that is named does not exist: its files are at the root.
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
  put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
  EXPECT_DOUBLE_EQ(quota(), 5);
  put("proc/self/cgroup", "4:cpu:/job\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 0);
  put("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "50000\n");
  put("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, IsNoneWhereNothingSaysOne) {
  EXPECT_EQ(quota(), 0);
  put("proc/self/cgroup", "0::/\nnonsense\n:\n9:cpuset:/x\n");
  EXPECT_EQ(quota(), 0);
  put("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 0);
  put("sys/fs/cgroup/cpu.max", "100000 0\n");
  EXPECT_EQ(quota(), 0);
  put("sys/fs/cgroup/cpu.max", "");
  EXPECT_EQ(quota(), 0);
}

}  // namespace
}  // namespace lockstep::runtime
