#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <lockstep/base/cache_folder.hpp>

namespace lockstep {
namespace {

/// With these variables, and none of the others that count.
std::string folder_with(const std::map<std::string, std::string>& variables) {
  for (const char* name : {"LOCKSTEP_CACHE_DIR", "XDG_CACHE_HOME", "HOME"}) {
    const auto found = variables.find(name);
    if (found == variables.end()) {
      ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe)
    } else {
      ::setenv(name, found->second.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
  }
  return cache_folder().string();
}

TEST(CacheFolder, IsTheFirstThatAVariableNames) {
  EXPECT_EQ(folder_with({{"LOCKSTEP_CACHE_DIR", "own"}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}}),
            "own");
  EXPECT_EQ(folder_with({{"LOCKSTEP_CACHE_DIR", ""}, {"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}}),
            "/x/lockstep");
  EXPECT_EQ(folder_with({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}), "/h/.cache/lockstep");
  EXPECT_EQ(folder_with({{"XDG_CACHE_HOME", ""}, {"HOME", "/h"}}), "/h/.cache/lockstep");
  EXPECT_EQ(folder_with({{"HOME", ""}}), "");
  EXPECT_EQ(folder_with({}), "");
}

}  // namespace
}  // namespace lockstep
