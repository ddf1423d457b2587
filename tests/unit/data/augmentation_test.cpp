#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/augmentation.hpp>
#include <lockstep/data/philox.hpp>

#include "expect_error.hpp"

namespace lockstep::data {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesTheKnownAnswers) {
  // Of philox4x32 with 10 rounds, in kat_vectors of Random123 1.14.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Augmentation, TextsAreReadAndWritten) {
  const std::map<std::string, Augmentation> texts = {{"none", {}},
                                                     {"flip", {.flip = true}},
                                                     {"crop:1", {.crop = 1}},
                                                     {"crop:64", {.crop = 64}},
                                                     {"flip,crop:4", {.flip = true, .crop = 4}}};
  for (const auto& [text, augmentation] : texts) {
    ASSERT_TRUE(parse_augmentation(text)) << text;
    EXPECT_EQ(*parse_augmentation(text), augmentation) << text;
    EXPECT_EQ(to_text(augmentation), text);
  }
  EXPECT_EQ(parse_augmentation("crop:4,flip"), parse_augmentation("flip,crop:4"));
  for (const char* text : {"",
                           "crop",
                           "crop:",
                           "crop:0",
                           "crop:-1",
                           "crop:65",
                           "crop:x",
                           "crop:4x",
                           "crop: 4",
                           "crop:4.0",
                           "crop:99999999999999999999",
                           "flip,flip",
                           "crop:4,crop:4",
                           "crop:2,flip,flip",
                           "flip,",
                           ",flip",
                           "flip,,crop:2",
                           "flip;crop:2",
                           "Flip",
                           "rotate",
                           "flip,none",
                           "none,none",
                           "flip crop:2",
                           "on"}) {
    EXPECT_FALSE(parse_augmentation(text)) << text;
  }
}

TEST(Augmentation, IsForImages) {
  const InputSpec image{.shape = {3, 8, 6}};
  const InputSpec table{.shape = {48}, .element_type = torch::kFloat32};
  const InputSpec tokens{.shape = {3, 8, 6}, .element_type = torch::kInt64, .stays_integer = true};
  EXPECT_NO_THROW(check_augmentation({.flip = true, .crop = 5}, image));
  EXPECT_NO_THROW(check_augmentation({}, table));
  EXPECT_NO_THROW(check_augmentation({}, tokens));
  const auto refuse = [](const Augmentation& augmentation, const InputSpec& input,
                         std::initializer_list<std::string_view> mentions) {
    tests::expect_error<UsageError>([&] { check_augmentation(augmentation, input); }, mentions);
  };
  refuse({.crop = 6}, image, {"6 pixels", "8 × 6", "at most 5", "(augment)"});
  refuse({.flip = true}, table, {"[48]", "[channels, height, width]", "(augment)"});
  refuse({.flip = true}, tokens, {"integers", "(augment)"});
}

TEST(DrawTransform, IsAFunctionOfSeedEpochAndSample) {
  constexpr Augmentation kBoth{.flip = true, .crop = 20};
  constexpr std::int64_t kLarge = std::int64_t{1} << 32U;
  const auto all = [&](std::uint64_t seed, std::int64_t epoch, std::int64_t first) {
    std::vector<ImageTransform> transforms;
    for (std::int64_t i = 0; i < 100; ++i) {
      transforms.push_back(draw_transform(kBoth, seed, epoch, first + i));
    }
    return transforms;
  };
  const auto some = all(3, 1, 0);
  EXPECT_EQ(all(3, 1, 0), some);
  // Not the upper halves either go unheard.
  for (const auto& other : {all(4, 1, 0), all(3, 0, 0), all(3, 2, 0), all(3, 1, 100), all(1, 3, 0),
                            all(3 + kLarge, 1, 0), all(3, 1 + kLarge, 0), all(3, 1, kLarge)}) {
    int same = 0;
    for (std::size_t i = 0; i < some.size(); ++i) same += other[i] == some[i] ? 1 : 0;
    EXPECT_LT(same, 5);  // of 100, where one in 3362 is the same by chance
  }
}

/// That `count` of `draws` is what a probability gives, within five standard deviations.
void expect_probable(std::int64_t count, std::int64_t draws, double probability,
                     const std::string& what) {
  const auto expected = static_cast<double>(draws) * probability;
  EXPECT_NEAR(static_cast<double>(count), expected, 5 * std::sqrt(expected * (1 - probability)))
      << what;
}

TEST(DrawTransform, IsUniform) {
  constexpr std::int64_t kDraws = 10000;
  constexpr std::int64_t kCrop = 2;
  std::map<std::tuple<std::int64_t, std::int64_t, bool>, std::int64_t> counts;
  std::map<std::int64_t, std::int64_t> down;
  std::map<std::int64_t, std::int64_t> right;
  std::int64_t mirrored = 0;
  for (std::int64_t i = 0; i < kDraws; ++i) {
    const auto drawn = draw_transform({.flip = true, .crop = kCrop}, 0, 0, i);
    ++counts[{drawn.down, drawn.right, drawn.mirrored}];
    ++down[drawn.down];
    ++right[drawn.right];
    mirrored += drawn.mirrored ? 1 : 0;
  }
  expect_probable(mirrored, kDraws, 0.5, "mirrored");
  EXPECT_EQ(down.size(), 5U);
  EXPECT_EQ(right.size(), 5U);
  EXPECT_EQ(counts.size(), 50U) << "each offset down with each to the right, mirrored or not";
  for (std::int64_t offset = -kCrop; offset <= kCrop; ++offset) {
    expect_probable(down[offset], kDraws, 0.2, "down " + std::to_string(offset));
    expect_probable(right[offset], kDraws, 0.2, "right " + std::to_string(offset));
  }
  for (const auto& [drawn, count] : counts) {
    expect_probable(count, kDraws, 0.02, std::to_string(std::get<0>(drawn)));
  }
}

TEST(DrawTransform, DoesOnlyWhatIsAskedFor) {
  for (std::int64_t i = 0; i < 1000; ++i) {
    EXPECT_FALSE(draw_transform({.crop = 3}, 1, 2, i).mirrored);
    const auto mirrored = draw_transform({.flip = true}, 1, 2, i);
    EXPECT_EQ(mirrored.down, 0);
    EXPECT_EQ(mirrored.right, 0);
    // What one draws does not depend on whether the other is asked for.
    EXPECT_EQ(draw_transform({.flip = true, .crop = 3}, 1, 2, i).mirrored, mirrored.mirrored);
  }
}

}  // namespace
}  // namespace lockstep::data
