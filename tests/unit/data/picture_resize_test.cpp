// Pictures that are scaled to one size.
#include <algorithm>
#include <array>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <lockstep/base/error.hpp>

#include "expect_error.hpp"
#include "picture_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using tests::bytes_of;
using tests::grey_png;
using tests::noise;
using tests::planes_of_rgb;
using tests::Png;

class PictureResizeTest : public ::testing::Test {
 protected:
  const tests::PictureFolders data_;
  const int threads_ = at::get_num_threads();

  void TearDown() override { at::set_num_threads(threads_); }
};

/// One sample by a triangle filter as wide as the scale, or as a pixel if that is enlarged.
struct Filter {
  std::vector<double> weights;
  Filter(std::int64_t from, std::int64_t to, std::int64_t at) : weights() {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double width = std::max(scale, 1.0);
    const double centre = (static_cast<double>(at) + 0.5) * scale;
    double sum = 0;
    for (std::int64_t i = 0; i < from; ++i) {
      const double distance = std::abs(static_cast<double>(i) + 0.5 - centre) / width;
      weights.push_back(std::max(1 - distance, 0.0));
      sum += weights.back();
    }
    for (auto& weight : weights) weight /= sum;
  }
};

double filtered(const std::uint8_t* plane, const Filter& down, const Filter& across) {
  double sum = 0;
  for (const auto of_row : down.weights) {
    for (const auto of_column : across.weights) sum += of_row * of_column * *plane++;
  }
  return sum;
}

TEST_F(PictureResizeTest, ResizingIsATriangleFilterWithAntialiasing) {
  const std::array<std::array<PictureSize, 2>, 6> cases = {{{{{13, 7}, {5, 4}}},
                                                            {{{3, 9}, {8, 4}}},
                                                            {{{5, 5}, {11, 17}}},
                                                            {{{40, 3}, {1, 1}}},
                                                            {{{1, 1}, {3, 2}}},
                                                            {{{6, 8}, {6, 8}}}}};
  for (const auto& [from, to] : cases) {
    const auto pixels = static_cast<std::size_t>(from.height * from.width);
    const auto samples = noise(3 * pixels);
    data_.write_training({bytes_of(Png{.width = static_cast<png_uint_32>(from.width),
                                       .height = static_cast<png_uint_32>(from.height),
                                       .colour = PNG_COLOR_TYPE_RGB,
                                       .samples = samples})});
    const auto found = data_.training_pictures({.resize = to});
    const auto planes = planes_of_rgb(samples);
    ASSERT_EQ(found.size(), static_cast<std::size_t>(3 * to.height * to.width));
    std::size_t i = 0;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::int64_t y = 0; y < to.height; ++y) {
        for (std::int64_t x = 0; x < to.width; ++x, ++i) {
          const auto expected =
              filtered(&planes[channel * pixels], Filter(from.height, to.height, y),
                       Filter(from.width, to.width, x));
          EXPECT_LE(std::abs(found[i] - expected), 0.51) << from.height << " " << i;
        }
      }
    }
  }
}

TEST_F(PictureResizeTest, ResizingUnitesPicturesOfAllSizes) {
  data_.write_training({grey_png(10, 4, 4), grey_png(20, 90, 3), grey_png(30, 1, 7)});
  const PictureOptions options = {.resize = PictureSize{.height = 2, .width = 3}};
  EXPECT_THAT(data_.open(options)->shape().spec().input.shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(data_.training_pictures(options),
              ElementsAre(10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20, 30, 30, 30, 30, 30, 30));
  tests::expect_error<DataError>(
      [&] { data_.read_all(); },
      {"train/a/10.png has 4 × 4 pixels", "train/a/11.png has 90 × 3", "(resize)"});
}

TEST_F(PictureResizeTest, TheNumberOfThreadsChangesNothing) {
  std::vector<std::string> pictures;
  for (unsigned i = 0; i < 40; ++i) {
    pictures.push_back(bytes_of(
        Png{.width = 200, .height = 150 + i, .samples = noise(std::size_t{200} * (150 + i), i)}));
  }
  data_.write_training(pictures);
  const PictureOptions options = {.resize = PictureSize{.height = 64, .width = 33}};
  at::set_num_threads(1);
  const auto expected = data_.training_pictures(options);
  at::set_num_threads(3);
  EXPECT_EQ(data_.training_pictures(options), expected);
  EXPECT_EQ(at::get_num_threads(), 3) << "as it was";
}

}  // namespace
}  // namespace lockstep::data
