#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/config_file.hpp>

#include "expect_error.hpp"

namespace lockstep::options {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<GivenOption> parse(const std::string& text) {
  return parse_config_file({}, text, "t.conf");
}

/// Names and values that `text` sets.
std::vector<std::pair<std::string, std::string>> values(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& option : parse(text)) {
    found.emplace_back(option.name, option.value);
  }
  return found;
}

void expect_refusal(const std::string& text, std::initializer_list<std::string_view> mentions) {
  tests::expect_error<UsageError>([&] { (void)parse(text); }, mentions);
}

TEST(ConfigFile, HoldsNamesAndValuesOneALine) {
  const auto options = parse("# a comment\n\n  epochs = 3\nlr=0.5   \n");
  ASSERT_EQ(options.size(), 2U);
  EXPECT_EQ(options[0].name, "epochs");
  EXPECT_EQ(options[0].value, "3");
  EXPECT_EQ(options[0].source, "t.conf:3");
  EXPECT_EQ(options[1].value, "0.5");
  EXPECT_EQ(options[1].source, "t.conf:4");
  EXPECT_THAT(values(""), ElementsAre());
}

TEST(ConfigFile, ACommentBeginsBehindWhiteSpaceOnly) {
  EXPECT_THAT(values("output-dir = runs/e#3\ntrace = t # here\nlr = 1\t#x\n#seed = 1\n"),
              ElementsAre(Pair("output-dir", "runs/e#3"), Pair("trace", "t"), Pair("lr", "1")));
}

TEST(ConfigFile, QuotesAroundAWholeValueAreTakenOff) {
  EXPECT_THAT(
      values("data-dir = \"a b\"\ntrace = 'a # b'  # c\ninit-from = \"it's\"\n"),
      ElementsAre(Pair("data-dir", "a b"), Pair("trace", "a # b"), Pair("init-from", "it's")));
  EXPECT_THAT(
      values("data-dir = it's\ntrace = \"a\" b\nresume = 'x\n"),
      ElementsAre(Pair("data-dir", "it's"), Pair("trace", "\"a\" b"), Pair("resume", "'x")));
}

TEST(ConfigFile, EditorsOfOtherSystemsMayWriteIt) {
  EXPECT_THAT(values("\xef\xbb\xbf"
                     "epochs = 3\r\nlr = 1\r\n\r\n# c\r\nseed = 2"),
              ElementsAre(Pair("epochs", "3"), Pair("lr", "1"), Pair("seed", "2")));
  expect_refusal(std::string("\xff\xfe"
                             "e\0p\0",
                             6),
                 {"t.conf", "UTF-8"});
}

TEST(ConfigFile, ValuesKeepWhatIsNoCommentAndNoQuote) {
  EXPECT_THAT(values("trace = a=b c\nlr =\n"), ElementsAre(Pair("trace", "a=b c"), Pair("lr", "")));
}

TEST(ConfigFile, MistakesHaveALine) {
  expect_refusal("epochs = 3\nsynthetic\n", {"t.conf:2", "'synthetic'", "synthetic = on"});
  expect_refusal("\n[train]\n", {"t.conf:2", "'[train]'", "name = value"});
  expect_refusal("epochs # = 3\n", {"t.conf:1", "'epochs'"});
  expect_refusal("lr = 1\n\nlr = 2\n", {"t.conf:3", "'lr'", "twice", "t.conf:1"});
}

}  // namespace
}  // namespace lockstep::options
