#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::runtime {
namespace {

/// How much of the mapping that holds `address` this process has to itself, from /proc/self/smaps.
std::int64_t private_bytes_around(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream file("/proc/self/smaps");
  std::int64_t sum = 0;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream header(line);
    if (header >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("Private_")) {
      sum += std::stoll(line.substr(line.find(':') + 1)) * 1024;
    }
  }
  return sum;
}

TEST(NodeMemory, WritesOfOneRankAreSeenByAll) {
  const auto layout = discover_rank_layout();
  NodeMemory memory(static_cast<std::size_t>(layout.local_size) * 1000, layout);
  const auto mine =
      memory.bytes().subspan(static_cast<std::size_t>(layout.local_rank) * 1000, 1000);
  for (auto& byte : mine) byte = static_cast<std::byte>(layout.local_rank + 1);
  memory.synchronize();
  for (std::size_t i = 0; i < memory.bytes().size(); ++i) {
    ASSERT_EQ(memory.bytes()[i], static_cast<std::byte>(i / 1000 + 1));
  }
  memory.synchronize();
}

TEST(NodeMemory, ASecondRankCostsNoSecondCopy) {
  constexpr std::size_t kBytes = std::size_t{64} << 20U;
  const auto layout = discover_rank_layout();
  NodeMemory memory(kBytes, layout);
  if (layout.local_rank == 0) {
    for (std::size_t i = 0; i < kBytes; i += 64) memory.bytes()[i] = static_cast<std::byte>(i / 64);
  }
  memory.synchronize();
  unsigned sum = 0;
  for (std::size_t i = 0; i < kBytes; i += 64) sum += std::to_integer<unsigned>(memory.bytes()[i]);
  EXPECT_GT(sum, 0U);
  memory.synchronize();  // every rank has touched every page
  const auto mine = private_bytes_around(&memory.bytes()[kBytes / 2]);
  memory.synchronize();
  if (layout.local_size > 1) {
    EXPECT_LT(mine, static_cast<std::int64_t>(kBytes / 8));
  } else {
    EXPECT_GT(mine, static_cast<std::int64_t>(kBytes / 2));  // the measure itself works
  }
}

}  // namespace
}  // namespace lockstep::runtime
