#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include <lockstep/runtime/cpu_quota.hpp>

namespace lockstep::runtime {
namespace {

namespace fs = std::filesystem;

/// The stricter of two limits, where 0 means none.
double stricter(double a, double b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

double ratio(double quota_us, double period_us) {
  return quota_us > 0 && period_us > 0 ? quota_us / period_us : 0;
}

/// "150000 100000", or "max 100000".
double quota_of_version_2(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period ? ratio(quota, period) : 0;
}

/// The quota is -1 if there is none.
double quota_of_version_1(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us");
  std::ifstream period_file(group / "cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  return quota_file >> quota && period_file >> period ? ratio(quota, period) : 0;
}

/// The smallest quota of `group` and its ancestors, below `mount`. A container may see the name
/// that its group has outside: folders that do not exist are skipped.
double smallest_quota(const fs::path& mount, const std::string& group,
                      double (*quota_of)(const fs::path&)) {
  double smallest = quota_of(mount);
  fs::path folder = mount;
  for (const auto& part : fs::path(group).relative_path()) {
    folder /= part;
    smallest = stricter(smallest, quota_of(folder));
  }
  return smallest;
}

bool names_cpu_controller(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

}  // namespace

double read_cpu_quota(const fs::path& root) {
  const auto mounts = root / "sys/fs/cgroup";
  double smallest = 0;
  std::ifstream file(root / "proc/self/cgroup");
  // Lines are "number:controllers:group"; version 2 has one, without controllers.
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const auto group = line.substr(second + 1);
    if (controllers.empty()) {
      smallest = stricter(smallest, smallest_quota(mounts, group, quota_of_version_2));
    } else if (names_cpu_controller(controllers)) {
      for (const auto& mount : {mounts / controllers, mounts / "cpu"}) {
        smallest = stricter(smallest, smallest_quota(mount, group, quota_of_version_1));
      }
    }
  }
  return smallest;
}

}  // namespace lockstep::runtime
