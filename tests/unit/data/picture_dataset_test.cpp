// Folders of pictures: what becomes of them, byte for byte, and what is refused.
#include <array>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <lockstep/base/error.hpp>

#include "expect_error.hpp"
#include "picture_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using tests::bytes_of;
using tests::grey_png;
using tests::Jpeg;
using tests::noise;
using tests::planes_of_rgb;
using tests::Png;
using Bytes = std::vector<std::uint8_t>;

class PictureDatasetTest : public ::testing::Test {
 protected:
  const tests::PictureFolders data_;
  const int threads_ = at::get_num_threads();

  void TearDown() override { at::set_num_threads(threads_); }

  void refuse(std::initializer_list<std::string_view> mentions) const {
    tests::expect_error<DataError>([&] { data_.read_all(); }, mentions);
  }
};

/// libjpeg's own decode of these bytes.
Bytes decoded(const std::string& bytes, J_COLOR_SPACE colours) {
  jpeg_error_mgr errors = {};
  jpeg_decompress_struct decoder = {};
  decoder.err = ::jpeg_std_error(&errors);
  ::jpeg_create_decompress(&decoder);
  ::jpeg_mem_src(&decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  (void)::jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = colours;
  (void)::jpeg_start_decompress(&decoder);
  const std::size_t row_bytes =
      std::size_t{decoder.output_width} * static_cast<std::size_t>(decoder.output_components);
  Bytes samples(row_bytes * decoder.output_height);
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = &samples[decoder.output_scanline * row_bytes];
    (void)::jpeg_read_scanlines(&decoder, &row, 1);
  }
  (void)::jpeg_finish_decompress(&decoder);
  ::jpeg_destroy_decompress(&decoder);
  return samples;
}

TEST_F(PictureDatasetTest, ClassesAndSamplesAreInTheOrderOfTheBytesOfTheirNames) {
  data_.write("train/zebra/a.png", grey_png(6));
  data_.write("train/zebra/B.PNG", grey_png(5));
  data_.write("train/9/x.png", grey_png(4));
  data_.write("train/10/2.Jpeg", grey_png(3));
  data_.write("train/10/10.png", grey_png(2));
  data_.write("train/10/1.jpg", grey_png(1));
  data_.write("test/zebra/1.png", grey_png(9));
  data_.write("test/10/1.png", grey_png(8));
  data_.write("train/10/notes.txt", "no picture, and said to be none");
  data_.write("train/10/.hidden.png", "no picture");
  data_.write("train/.checkpoints/1.png", "no picture");
  data_.write("train/readme.md", "no class");
  const auto source = data_.open();
  const auto shape = source->shape();
  EXPECT_EQ(shape.train_samples(), 6);
  EXPECT_EQ(shape.test_samples(), 2);
  EXPECT_THAT(shape.spec().input.shape, ElementsAre(1, 1, 2));
  EXPECT_EQ(shape.spec().input.element_type, torch::kUInt8);
  EXPECT_EQ(shape.spec().input.divisor, 255);
  EXPECT_THAT(class_names(shape.spec()), ElementsAre("10", "9", "zebra"));
  const auto filled = [&](Part part) { return data_.filled(*source, part); };
  EXPECT_THAT(filled(Part::kTrainImages), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6));
  EXPECT_THAT(filled(Part::kTrainLabels), ElementsAre(0, 0, 0, 1, 2, 2));
  EXPECT_THAT(filled(Part::kTestImages), ElementsAre(8, 8, 9, 9));
  EXPECT_THAT(filled(Part::kTestLabels), ElementsAre(0, 2));
}

TEST_F(PictureDatasetTest, GreyPicturesOfAnyKindStayOneChannel) {
  data_.write_training({
      bytes_of(Png{.width = 2, .samples = {7, 200}}),
      bytes_of(Png{.width = 2, .colour = PNG_COLOR_TYPE_GRAY_ALPHA, .samples = {7, 0, 200, 128}}),
      bytes_of(Png{.width = 2, .depth = 16, .samples = {0x07, 0xff, 0xc8, 0xff}}),
      bytes_of(Png{.width = 2, .depth = 2, .samples = {0b01100000}}),
      bytes_of(Png{.width = 2, .depth = 1, .samples = {0b01000000}}),
  });
  EXPECT_THAT(data_.training_pictures(), ElementsAre(7, 200, 7, 200, 7, 200, 85, 170, 0, 255));
}

TEST_F(PictureDatasetTest, OneColourPictureMakesAllOfThreeChannels) {
  const Bytes wide = {0x07, 0xff, 0x80, 0x00, 0xc8, 0xff, 0x01, 0x7f, 0x02, 0x00, 0x03, 0x80};
  data_.write_training({
      bytes_of(Png{.width = 2, .samples = {7, 200}}),
      bytes_of(Png{.width = 2, .colour = PNG_COLOR_TYPE_RGB, .samples = {1, 2, 3, 4, 5, 6}}),
      bytes_of(Png{
          .width = 2, .colour = PNG_COLOR_TYPE_RGB_ALPHA, .samples = {1, 2, 3, 0, 4, 5, 6, 77}}),
      bytes_of(Png{.width = 2, .depth = 16, .colour = PNG_COLOR_TYPE_RGB, .samples = wide}),
      bytes_of(Png{.width = 2,
                   .colour = PNG_COLOR_TYPE_PALETTE,
                   .samples = {1, 0},
                   .palette = {{10, 20, 30}, {40, 50, 60}},
                   .palette_alpha = {0, 128}}),
      bytes_of(Png{.width = 2,
                   .depth = 16,
                   .colour = PNG_COLOR_TYPE_GRAY_ALPHA,
                   .samples = {0x07, 0xff, 0, 0, 0xc8, 0xff, 9, 9}}),
  });
  EXPECT_THAT(data_.open()->shape().spec().input.shape, ElementsAre(3, 1, 2));
  EXPECT_THAT(data_.training_pictures(),
              ElementsAreArray({7,    200,  7,    200,  7,    200,   // grey
                                1,    4,    2,    5,    3,    6,     // colours
                                1,    4,    2,    5,    3,    6,     // without their alpha
                                0x07, 0x01, 0x80, 0x02, 0xc8, 0x03,  // the high bytes
                                40,   10,   50,   20,   60,   30,    // of the palette
                                7,    200,  7,    200,  7,    200}));
}

TEST_F(PictureDatasetTest, JpegsAreAsLibjpegDecodesThem) {
  const auto colours = noise(std::size_t{3} * 19 * 13);
  for (const bool progressive : {false, true}) {
    const auto jpeg =
        bytes_of(Jpeg{.width = 19, .height = 13, .samples = colours, .progressive = progressive});
    data_.write_training({jpeg});
    EXPECT_EQ(data_.training_pictures(), planes_of_rgb(decoded(jpeg, JCS_RGB))) << progressive;
  }
  const auto grey =
      bytes_of(Jpeg{.width = 19, .height = 13, .components = 1, .samples = noise(19 * 13)});
  data_.write_training({grey});
  EXPECT_THAT(data_.open()->shape().spec().input.shape, ElementsAre(1, 13, 19));
  EXPECT_EQ(data_.training_pictures(), decoded(grey, JCS_GRAYSCALE));
}

TEST_F(PictureDatasetTest, AJpegOfOneColourHasThatColour) {
  Jpeg jpeg{.width = 16, .height = 16};
  for (int i = 0; i < 256; ++i) jpeg.samples.insert(jpeg.samples.end(), {200, 30, 60});
  data_.write_training({bytes_of(jpeg)});
  const auto pictures = data_.training_pictures();
  ASSERT_EQ(pictures.size(), 768U);
  constexpr std::array kColour = {200, 30, 60};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_NEAR(pictures[i], kColour.at(i / 256), 2) << i;
  }
}

TEST_F(PictureDatasetTest, ExifChangesNothingHoweverLongItIs) {
  Jpeg jpeg{.width = 8, .height = 4, .samples = noise(std::size_t{3} * 8 * 4)};
  data_.write_training({bytes_of(jpeg)});
  const auto expected = data_.training_pictures();
  // Little-endian, one entry: orientation (0x112), a number of 16 bits, 6: turned by a quarter.
  jpeg.exif = {'E',  'x',  'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
               0x12, 0x01, 3,   0,   1, 0, 0,   0,   6,  0, 0, 0, 0, 0, 0, 0};
  for (const std::size_t length : {jpeg.exif.size(), std::size_t{65'533}}) {
    jpeg.exif.resize(length);
    data_.write_training({bytes_of(jpeg)});
    EXPECT_EQ(data_.training_pictures(), expected) << length;
    EXPECT_THAT(data_.open()->shape().spec().input.shape, ElementsAre(3, 4, 8));
  }
}

TEST_F(PictureDatasetTest, TheFirstOfSeveralDamagedPicturesIsNamed) {
  std::vector<std::string> pictures(30, grey_png(1));
  for (const std::size_t damaged : {11U, 12U, 25U}) pictures[damaged].resize(45);
  data_.write_training(pictures);
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    refuse({"train/a/21.png: not a usable PNG"});
    EXPECT_EQ(at::get_num_threads(), threads);
  }
}

TEST_F(PictureDatasetTest, WhatIsNoPictureIsRefused) {
  const auto refuse_picture = [&](const std::string& bytes,
                                  std::initializer_list<std::string_view> mentions) {
    data_.write_training({grey_png(1), bytes});
    refuse(mentions);
  };
  refuse_picture("a text", {"train/a/11.png: neither a PNG nor a JPEG"});
  refuse_picture("", {"train/a/11.png: neither"});
  refuse_picture(
      bytes_of(Png{.width = 16385, .samples = Bytes(16385)}),
      {"train/a/11.png: a picture of 16385 × 1 pixels: it may have up to 16384 × 16384"});
  refuse_picture(bytes_of(Jpeg{.components = 4, .samples = {1, 2, 3, 4}}),
                 {"train/a/11.png: a picture in CMYK"});
}

TEST_F(PictureDatasetTest, TruncatedJpegsAreRefused) {
  const auto jpeg =
      bytes_of(Jpeg{.width = 64, .height = 64, .samples = noise(std::size_t{3} * 64 * 64)});
  data_.write_training({jpeg});
  data_.read_all();
  for (const std::size_t missing : {std::size_t{2}, jpeg.size() / 2}) {
    data_.write_training({jpeg.substr(0, jpeg.size() - missing)});
    refuse({"train/a/10.png: not a usable JPEG: Premature end"});
  }
}

TEST_F(PictureDatasetTest, PipesAndFoldersAreNoPictures) {
  data_.write_training({grey_png(1)});
  const auto odd = data_.path() / "train/a/x.png";
  ASSERT_EQ(::mkfifo(odd.c_str(), 0600), 0);
  refuse({"x.png: it is not a file"});
  std::filesystem::remove(odd);
  std::filesystem::create_directory(data_.path() / "train/a/y.jpg");
  refuse({"y.jpg: it is not a file"});
  std::filesystem::remove(data_.path() / "train/a/y.jpg");
  std::filesystem::create_symlink("nowhere.png", odd);
  refuse({"x.png: cannot be read: No such file"});
  std::filesystem::remove(odd);
  std::filesystem::create_symlink("10.png", odd);
  data_.read_all();
  std::filesystem::create_directory(data_.path() / "train/a/more");
  refuse({"train/a/more: a folder inside that of a class"});
}

TEST_F(PictureDatasetTest, FoldersThatAreNotAsTheyShouldBeAreNamed) {
  EXPECT_FALSE(has_picture_folders(data_.path()));
  refuse({"train: there is no such folder"});
  std::filesystem::create_directory(data_.path() / "train");
  EXPECT_FALSE(has_picture_folders(data_.path()));
  std::filesystem::create_directory(data_.path() / "val");
  refuse({"test: there is no such folder", "ln -s val test"});
  std::filesystem::create_directory(data_.path() / "test");
  refuse({"train: there are no folders of classes"});
  std::filesystem::create_directory(data_.path() / "train/cat");
  EXPECT_TRUE(has_picture_folders(data_.path()));
  refuse({"train/cat: there is no picture"});
  data_.write("train/cat/1.png", grey_png(1));
  refuse({"test: there are no pictures"});
  std::filesystem::create_directory(data_.path() / "test/cat");
  refuse({"test: there are no pictures"});
  data_.write("train/dog/1.png", grey_png(2));
  data_.write("test/dog/1.png", grey_png(3));
  data_.read_all();  // no cat in the test
  std::filesystem::create_directory(data_.path() / "test/cow");
  refuse({"test/cow: there are no training pictures"});
  std::filesystem::remove(data_.path() / "test/cow");
  data_.write("train/\xff\xfe/1.png", grey_png(2));
  refuse({"is not UTF-8"});
}

/// One byte changed, every third in turn: a picture or an error, whatever comes.
TEST_F(PictureDatasetTest, DamagedJpegsAreSurvived) {
  const auto samples = noise(std::size_t{3} * 17 * 9);
  for (const bool progressive : {false, true}) {
    const auto good =
        bytes_of(Jpeg{.width = 17, .height = 9, .samples = samples, .progressive = progressive});
    int refused = 0;
    for (std::size_t i = 3; i < good.size(); i += 3) {
      auto damaged = good;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ 0x41U);
      data_.write_training({damaged});
      try {
        data_.read_all();
      } catch (const DataError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("10.png: "));
        ++refused;
      }
    }
    EXPECT_GT(refused, 50);
  }
}

}  // namespace
}  // namespace lockstep::data
