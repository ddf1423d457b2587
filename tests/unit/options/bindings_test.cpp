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

std::optional<int> parse_dots(const std::string& text) {
  if (text.find_first_not_of('.') != std::string::npos) return std::nullopt;
  return static_cast<int>(text.size());
}

std::string dots(const int& count) {
  return std::string(static_cast<std::size_t>(count), '.');
}

TEST(ParsedText, ReadsAndWritesTextsOfItsOwn) {
  int count = 1;
  const auto binding = parsed_text<int>(count, "DOTS", "some dots", parse_dots, dots);
  EXPECT_EQ(binding.value_name, "DOTS");
  EXPECT_EQ(binding.expected, "some dots");
  EXPECT_EQ(binding.get(), ".");
  EXPECT_TRUE(binding.set("..."));
  EXPECT_EQ(count, 3);
  EXPECT_EQ(binding.get(), "...");
  EXPECT_FALSE(binding.set("..x"));
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace lockstep::options
