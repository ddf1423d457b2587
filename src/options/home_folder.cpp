#include "home_folder.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace lockstep::options {
namespace {

constexpr std::size_t kAccountBytes = 16384;  // of one entry of the user database

/// Empty if there is no such user. Without a name: this process's user.
std::string home_of(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kAccountBytes> memory{};
  if (user.empty()) {
    (void)::getpwuid_r(::getuid(), &entry, memory.data(), memory.size(), &found);
  } else {
    (void)::getpwnam_r(user.c_str(), &entry, memory.data(), memory.size(), &found);
  }
  return found == nullptr || found->pw_dir == nullptr ? std::string() : std::string(found->pw_dir);
}

std::string own_home(const std::vector<std::string>& environment) {
  constexpr std::string_view kHome = "HOME=";
  for (const auto& entry : environment) {
    if (entry.starts_with(kHome) && entry.size() > kHome.size()) return entry.substr(kHome.size());
  }
  return home_of({});
}

}  // namespace

std::string with_home_folder(const std::string& path, const std::vector<std::string>& environment) {
  if (!path.starts_with('~')) return path;
  const auto slash = path.find('/');
  const auto user = path.substr(1, slash == std::string::npos ? slash : slash - 1);
  const auto home = user.empty() ? own_home(environment) : home_of(user);
  if (home.empty()) return path;
  return slash == std::string::npos ? home : home + path.substr(slash);
}

}  // namespace lockstep::options
