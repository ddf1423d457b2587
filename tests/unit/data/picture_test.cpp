#include <cmath>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/picture.hpp>

#include "expect_error.hpp"
#include "picture_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PictureTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  [[nodiscard]] Picture read(const std::string& bytes) const {
    tests::write_bytes(folder_ / "picture", bytes);
    return read_picture(folder_ / "picture");
  }
  void expect_refused(const std::string& bytes, const std::string& why) const {
    try {
      (void)read(bytes);
      FAIL() << "not refused, for: " << why;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(why));
      EXPECT_THAT(error.what(), HasSubstr((folder_ / "picture").string()));
    }
  }
};

TEST_F(PictureTest, ReadsPgmAsTheFormatSays) {
  // The example of the format's page has such comments and spaces.
  EXPECT_THAT(read("P2\n# feep.pgm\n3 2 # size\n15\n0 3 15\n15 7 0\n").pixels,
              ElementsAre(0, 51, 255, 255, 119, 0));
  EXPECT_THAT(read(std::string("P5 2 1 255\n\x07\xff", 13)).pixels, ElementsAre(7, 255));
  EXPECT_THAT(read(std::string("P5 2 1 65535\n\x80\x00\xff\xff", 17)).pixels,
              ElementsAre(128, 255));
}

TEST_F(PictureTest, ReadsThePngThatItWrites) {
  Picture picture{.width = 5, .height = 3, .pixels = {}};
  for (int i = 0; i < 15; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(i * 17));
  const auto again = read(png_of(picture));
  EXPECT_EQ(again.width, 5);
  EXPECT_EQ(again.height, 3);
  EXPECT_EQ(again.pixels, picture.pixels);
}

TEST_F(PictureTest, RefusesWhatIsDamaged) {
  expect_refused("", "neither a PNG nor a PGM");
  expect_refused("GIF89a", "neither a PNG nor a PGM");
  expect_refused("P2\n3 2\n255\n1 2 3", "the file ends after");
  expect_refused("P5 100000 100000 255\n", "100000 × 100000 pixels");
  expect_refused("P5 0 7 255\n", "0 × 7");
  expect_refused("P5 2 2 70000\n", "greatest value 70000");
  expect_refused("P2 1 1 9\n12 ", "a pixel of 12, above 9");
  expect_refused("P5 x", "no width at offset 3");
  const auto png =
      png_of({.width = 40, .height = 40, .pixels = std::vector<std::uint8_t>(1600, 3)});
  constexpr std::size_t kBehindThePixels = 16;  // their checksum and the end mark: not looked at
  for (std::size_t length = 8; length + kBehindThePixels < png.size(); length += 7) {
    expect_refused(png.substr(0, length), "not a usable PNG");
  }
  auto huge = png;
  huge[16] = '\x7f';  // the width's first byte
  expect_refused(huge, "PNG");
  EXPECT_THROW((void)read_picture(folder_ / "none.png"), DataError);
}

TEST_F(PictureTest, AverageOfAreasCentredOnBlack) {
  // Four bright quarters, each of one grey, 56 pixels wide and 28 high.
  Picture picture{.width = 56, .height = 28, .pixels = {}};
  for (int row = 0; row < 28; ++row) {
    for (int column = 0; column < 56; ++column) {
      const int checker = (row + column) % 2 == 0 ? 20 : 0;
      picture.pixels.push_back(
          static_cast<std::uint8_t>((row < 14 ? 10 : 50) + (column < 28 ? 0 : 40) + checker));
    }
  }
  const auto [image, changes] = fit_to_network(picture, Invert::kOff);
  const auto at = [&, pixels = image.flatten()](int row, int column) {
    return pixels[row * 28 + column].item<int>();
  };
  EXPECT_EQ(at(6, 14), 0);  // above it is black
  EXPECT_EQ(at(7, 0), 20);  // (10 + 30) / 2
  EXPECT_EQ(at(7, 27), 60);
  EXPECT_EQ(at(20, 0), 60);
  EXPECT_EQ(at(20, 27), 100);
  EXPECT_EQ(at(21, 14), 0);
  EXPECT_EQ(changes, "scaled from 56 × 28 to 28 × 14, padded to 28 × 28 with black");
}

TEST_F(PictureTest, InvertsWhatIsDarkOnBright) {
  Picture picture{.width = 28, .height = 28, .pixels = std::vector<std::uint8_t>(784, 250)};
  picture.pixels[400] = 0;
  const auto fitted = fit_to_network(picture, Invert::kAuto);
  EXPECT_EQ(fitted.image.flatten()[0].item<int>(), 5);
  EXPECT_EQ(fitted.image.flatten()[400].item<int>(), 255);
  EXPECT_EQ(fitted.changes, "inverted, because its border is bright");
  EXPECT_EQ(fit_to_network(picture, Invert::kOff).image.flatten()[0].item<int>(), 250);
  EXPECT_EQ(fit_to_network(picture, Invert::kOff).changes, "");
}

class NetworkPictureTest : public PictureTest {
 protected:
  [[nodiscard]] FittedPicture read_for(std::vector<std::int64_t> shape, const std::string& bytes,
                                       Invert invert = Invert::kAuto) const {
    tests::write_bytes(folder_ / "picture", bytes);
    return read_picture_for({.shape = std::move(shape)}, folder_ / "picture", invert);
  }
};

TEST_F(NetworkPictureTest, GetsTheChannelsAndTheSizeOfTheNetwork) {
  const auto png = tests::bytes_of(tests::Png{
      .width = 2, .colour = PNG_COLOR_TYPE_RGB_ALPHA, .samples = {255, 0, 0, 9, 12, 200, 77, 0}});
  const auto colours = read_for({3, 1, 2}, png);
  EXPECT_TRUE(colours.image.equal(
      torch::tensor({255, 12, 0, 200, 0, 77}, torch::kUInt8).reshape({3, 1, 2})));
  EXPECT_EQ(colours.changes, "");
  const auto grey = read_for({1, 1, 2}, png);
  EXPECT_TRUE(grey.image.equal(torch::tensor({76, 130}, torch::kUInt8).reshape({1, 1, 2})))
      << "as Pillow's convert(\"L\") of the same colours";
  EXPECT_EQ(grey.changes, "made grey");
  const auto pgm = read_for({3, 4, 1}, std::string("P5 2 1 255\n\x64\x64", 13));
  EXPECT_TRUE(pgm.image.equal(torch::full({3, 4, 1}, 100, torch::kUInt8)));
  EXPECT_EQ(pgm.changes, "scaled from 2 × 1 to 1 × 4");
}

TEST_F(NetworkPictureTest, IsNotInvertedUnlessAskedTo) {
  const std::string bright("P5 2 1 255\n\xff\xfa", 13);
  EXPECT_TRUE(read_for({1, 1, 2}, bright)
                  .image.equal(torch::tensor({255, 250}, torch::kUInt8).reshape({1, 1, 2})));
  const auto inverted = read_for({1, 1, 2}, bright, Invert::kOn);
  EXPECT_TRUE(inverted.image.equal(torch::tensor({0, 5}, torch::kUInt8).reshape({1, 1, 2})));
  EXPECT_EQ(inverted.changes, "inverted");
}

TEST_F(NetworkPictureTest, MayBeAJpeg) {
  tests::Jpeg jpeg{.width = 8, .height = 8};
  for (int i = 0; i < 64; ++i) jpeg.samples.insert(jpeg.samples.end(), {200, 30, 60});
  const auto image = read_for({3, 5, 6}, tests::bytes_of(jpeg)).image.to(torch::kInt64);
  const auto wanted = torch::tensor({200, 30, 60}).reshape({3, 1, 1});
  EXPECT_LE((image - wanted).abs().max().item<std::int64_t>(), 2);
  tests::expect_error<DataError>(
      [&] {
        (void)read_for({3, 5, 6}, "GIF89a");
      },
      {"picture: neither a PNG, a JPEG nor a PGM"});
}

TEST_F(PictureTest, AVeryThinOneNeedsNoHugeSquare) {
  const Picture picture{
      .width = 1, .height = 5'000'000, .pixels = std::vector<std::uint8_t>(5'000'000, 100)};
  const auto fitted = fit_to_network(picture, Invert::kOff);
  EXPECT_EQ(fitted.image.sum().item<int>(), 28 * 100);
}

}  // namespace
}  // namespace lockstep::data
