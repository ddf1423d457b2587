#include <gtest/gtest.h>

#include <lockstep/options/bindings.hpp>

namespace lockstep::options {
namespace {

TEST(ByteSize, TakesUnits) {
  std::int64_t bytes = 0;
  const auto binding = byte_size(bytes, 4, std::int64_t{4} << 30U);
  for (const auto& [text, value] : std::vector<std::pair<std::string, std::int64_t>>{
           {"4", 4}, {"1K", 1024}, {"3M", 3145728}, {"4G", 4294967296}}) {
    EXPECT_TRUE(binding.set(text)) << text;
    EXPECT_EQ(bytes, value);
    EXPECT_EQ(binding.get(), value);
  }
}

TEST(ByteSize, RefusesEverythingElse) {
  std::int64_t bytes = 77;
  const auto binding = byte_size(bytes, 4, std::int64_t{4} << 30U);
  for (const char* text : {"", "K", "3", "-8", "5G", "1.5K", "1KB", "1k", "99999999999999999999G",
                           "9007199254740993G", " 8"}) {
    EXPECT_FALSE(binding.set(text)) << text;
  }
  EXPECT_EQ(bytes, 77);
}

}  // namespace
}  // namespace lockstep::options
