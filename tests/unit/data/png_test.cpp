// PNG files of every kind, made here by libpng, against the grey values that Pillow gives for them.
#include <png.h>

#include <cstdint>
#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/picture.hpp>

#include "picture_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::bytes_of;
using tests::Png;

class PngTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  [[nodiscard]] Picture read(const std::string& bytes) const {
    tests::write_bytes(folder_ / "picture.png", bytes);
    return read_picture(folder_ / "picture.png");
  }
  [[nodiscard]] Picture read(const Png& png) const { return read(bytes_of(png)); }
};

TEST_F(PngTest, ColoursBecomeTheGreyThatPillowGives) {
  // Image.convert("L") of the same six pixels.
  const std::vector<std::uint8_t> colours = {255, 0,   0,  0,   255, 0,   0, 0, 255,
                                             12,  200, 77, 255, 255, 255, 1, 2, 3};
  const auto picture = read({.width = 6, .colour = PNG_COLOR_TYPE_RGB, .samples = colours});
  EXPECT_THAT(picture.pixels, ElementsAre(76, 150, 29, 130, 255, 2));
  EXPECT_EQ(picture.changes, "");
}

TEST_F(PngTest, SixteenBitsGiveWhatEightBitsGive) {
  for (const int colour : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                           PNG_COLOR_TYPE_RGB_ALPHA}) {
    std::vector<std::uint8_t> eight;
    std::vector<std::uint8_t> sixteen;
    for (int i = 0; i < 256 * 12; ++i) {
      eight.push_back(static_cast<std::uint8_t>(i * 37));
      sixteen.push_back(eight.back());
      sixteen.push_back(eight.back());
    }
    const auto channels = static_cast<png_uint_32>((colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1) +
                          ((colour & PNG_COLOR_MASK_ALPHA) != 0 ? 1 : 0);
    const png_uint_32 width = 256 * 12 / channels;
    for (const double gamma : {0.0, 0.45455, 1.0}) {
      const auto expected = read({.width = width, .depth = 8, .colour = colour, .samples = eight});
      const auto found =
          read({.width = width, .depth = 16, .colour = colour, .samples = sixteen, .gamma = gamma});
      EXPECT_EQ(found.pixels, expected.pixels) << colour << " " << gamma;
      EXPECT_EQ(found.changes, expected.changes);
    }
  }
}

TEST_F(PngTest, GammaChangesNothing) {
  const auto picture = read({.width = 3, .samples = {0, 100, 255}, .gamma = 1.0});
  EXPECT_THAT(picture.pixels, ElementsAre(0, 100, 255));
}

TEST_F(PngTest, ReadsFewBitsAndPalettes) {
  EXPECT_THAT(read({.width = 8, .depth = 1, .samples = {0b10110001}}).pixels,
              ElementsAre(255, 0, 255, 255, 0, 0, 0, 255));
  EXPECT_THAT(read({.width = 4, .depth = 2, .samples = {0b00011011}}).pixels,
              ElementsAre(0, 85, 170, 255));
  Png palette{.width = 3,
              .colour = PNG_COLOR_TYPE_PALETTE,
              .samples = {2, 0, 1},
              .palette = {{255, 0, 0}, {0, 255, 0}, {9, 9, 9}}};
  EXPECT_THAT(read(palette).pixels, ElementsAre(9, 76, 150));
  palette.palette_alpha = {255, 0};  // the second colour is transparent
  const auto picture = read(palette);
  EXPECT_THAT(picture.pixels, ElementsAre(9, 76, 255));
  EXPECT_THAT(picture.changes, HasSubstr("white"));
}

TEST_F(PngTest, InterlacingChangesNothing) {
  for (const int colour : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB_ALPHA}) {
    Png png{.width = 11, .height = 13, .colour = colour};
    const auto channels = colour == PNG_COLOR_TYPE_GRAY ? 1U : 4U;
    for (unsigned i = 0; i < 11 * 13 * channels; ++i) {
      png.samples.push_back(static_cast<std::uint8_t>(i * i));
    }
    const auto plain = read(png);
    png.interlaced = true;
    EXPECT_EQ(read(png).pixels, plain.pixels) << colour;
  }
}

TEST_F(PngTest, WhatIsVisibleStaysVisibleOnItsBackground) {
  const auto strokes = [&](std::uint8_t grey, std::uint8_t hidden) {
    return read({.width = 3,
                 .colour = PNG_COLOR_TYPE_GRAY_ALPHA,
                 .samples = {hidden, 0, grey, 255, grey, 128}});
  };
  for (const std::uint8_t hidden : {0, 255}) {  // what nobody sees does not matter
    const auto bright = strokes(255, hidden);
    EXPECT_THAT(bright.pixels, ElementsAre(0, 255, 128));
    EXPECT_EQ(bright.changes, "put on black, because what is not transparent is bright");
    const auto dark = strokes(0, hidden);
    EXPECT_THAT(dark.pixels, ElementsAre(255, 0, 127));
    EXPECT_EQ(dark.changes, "put on white, because what is not transparent is dark");
  }
  EXPECT_THAT(fit_to_network(strokes(255, 0), Invert::kAuto).changes,
              HasSubstr("put on black, because what is not transparent is bright, scaled"));
}

TEST_F(PngTest, AnOpaqueAlphaChannelIsNoChange) {
  const auto picture = read(
      {.width = 2, .colour = PNG_COLOR_TYPE_RGB_ALPHA, .samples = {255, 0, 0, 255, 9, 9, 9, 255}});
  EXPECT_THAT(picture.pixels, ElementsAre(76, 9));
  EXPECT_EQ(picture.changes, "");
}

TEST_F(PngTest, TellsAnEmptyPicture) {
  const auto transparent =
      read({.width = 2, .colour = PNG_COLOR_TYPE_GRAY_ALPHA, .samples = {1, 0, 200, 0}});
  EXPECT_TRUE(is_empty(transparent));
  EXPECT_EQ(transparent.changes, "all of it is transparent");
  EXPECT_TRUE(is_empty(read({.width = 3, .samples = {7, 7, 7}})));
  EXPECT_FALSE(is_empty(read({.width = 3, .samples = {7, 7, 8}})));
}

/// Each byte changed in turn: a picture or an error, whatever comes.
TEST_F(PngTest, SurvivesDamage) {
  Png png{.width = 9, .height = 7, .depth = 16, .colour = PNG_COLOR_TYPE_RGB_ALPHA};
  png.interlaced = true;
  for (int i = 0; i < 9 * 7 * 8; ++i) png.samples.push_back(static_cast<std::uint8_t>(i * 31));
  const auto good = bytes_of(png);
  int refused = 0;
  for (std::size_t i = 8; i < good.size(); ++i) {
    auto damaged = good;
    damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ 0x41U);
    try {
      (void)read(damaged);
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("picture.png"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(PngTest, ReadsAPipeToItsEnd) {
  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Png png{.width = 700, .height = 700};  // more bytes than a pipe holds
  std::uint32_t value = 1;
  for (int i = 0; i < 700 * 700; ++i) {
    value = value * 1664525U + 1013904223U;
    png.samples.push_back(static_cast<std::uint8_t>(value >> 24U));
  }
  const auto bytes = bytes_of(png);
  ASSERT_GT(bytes.size(), 100'000U);
  std::thread writer([&] { tests::write_bytes(pipe, bytes); });
  const auto picture = read_picture(pipe);
  writer.join();
  EXPECT_EQ(picture.pixels, png.samples);
}

TEST_F(PngTest, ReadsNoEndlessStream) {
  EXPECT_THROW((void)read_picture("/dev/zero"), DataError);
  EXPECT_THROW((void)read_picture("/dev/null"), DataError);
  EXPECT_THROW((void)read_picture(folder_.path()), DataError);
}

}  // namespace
}  // namespace lockstep::data
