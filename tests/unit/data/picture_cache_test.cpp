// Decoded pictures that are kept for later runs.
#include <chrono>
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/mapped_file.hpp>

#include "expect_error.hpp"
#include "picture_folder.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::grey_png;
using Bytes = std::vector<std::uint8_t>;

class PictureCacheTest : public ::testing::Test {
 protected:
  const tests::PictureFolders data_;
  const tests::TemporaryFolder caches_;
  PictureOptions options_ = {.resize = {}, .cache_folder = caches_ / "pictures"};

  void SetUp() override {
    data_.write("train/a/1.png", grey_png(1));
    data_.write("train/b/1.png", grey_png(2));
    data_.write("test/b/1.png", grey_png(3));
  }
  [[nodiscard]] std::vector<fs::path> files() const {
    if (!fs::exists(options_.cache_folder)) return {};
    return {fs::directory_iterator(options_.cache_folder), {}};
  }
  /// The training and test pictures in a cache, as a run maps them.
  [[nodiscard]] Bytes mapped(const DatasetSource& source) const {
    Bytes all;
    for (const auto part : {Part::kTrainImages, Part::kTestImages}) {
      const auto place = source.in_file(part);
      if (!place) return {};
      EXPECT_TRUE(place->even_if_small);
      const MappedFile file(place->path, place->offset, source.shape().part_bytes(part));
      for (const auto byte : file.bytes()) all.push_back(std::to_integer<std::uint8_t>(byte));
    }
    return all;
  }
  /// What a run with a cache sees; nothing where it has to decode the pictures into memory.
  [[nodiscard]] Bytes mapped_by_a_run() const {
    const auto source = data_.open(options_);
    EXPECT_EQ(source->prepare(), "");
    EXPECT_FALSE(source->in_file(Part::kTrainLabels));
    return mapped(*source);
  }
  /// Changes a picture in a way that the file system does not tell.
  void change_secretly(const std::string& name, const std::string& bytes) const {
    const auto time = fs::last_write_time(data_.path() / name);
    ASSERT_EQ(fs::file_size(data_.path() / name), bytes.size());
    data_.write(name, bytes);
    fs::last_write_time(data_.path() / name, time);
  }
};

TEST_F(PictureCacheTest, TheSecondRunFindsWhatTheFirstHasDecoded) {
  EXPECT_FALSE(data_.open(options_)->in_file(Part::kTrainImages)) << "before it is prepared";
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(1, 1, 2, 2, 3, 3));
  ASSERT_THAT(files(), SizeIs(1));
  const auto written = fs::last_write_time(files()[0]);
  change_secretly("train/a/1.png", std::string(fs::file_size(data_.path() / "train/a/1.png"), 'x'));
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(1, 1, 2, 2, 3, 3)) << "nothing is decoded";
  EXPECT_THAT(files(), SizeIs(1));
  EXPECT_EQ(fs::last_write_time(files()[0]), written);
  const auto source = data_.open(options_);  // without prepare, as the other ranks of a host do
  EXPECT_THAT(mapped(*source), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(data_.filled(*source, Part::kTestImages), ElementsAre(3, 3));
  EXPECT_THAT(data_.filled(*source, Part::kTrainLabels), ElementsAre(0, 1));
}

TEST_F(PictureCacheTest, EverySizeAndEveryChangeHasItsOwn) {
  (void)mapped_by_a_run();
  options_.resize = PictureSize{.height = 1, .width = 1};
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(1, 2, 3));
  EXPECT_THAT(files(), SizeIs(2));
  options_.resize.reset();
  data_.write("train/a/1.png", grey_png(4));
  fs::last_write_time(data_.path() / "train/a/1.png",
                      fs::file_time_type::clock::now() + std::chrono::seconds(1));
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(4, 4, 2, 2, 3, 3));
  EXPECT_THAT(files(), SizeIs(3));
  data_.write("train/a/2.png", grey_png(5));
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(4, 4, 5, 5, 2, 2, 3, 3));
  fs::rename(data_.path() / "train/a/2.png", data_.path() / "train/a/0.png");
  EXPECT_THAT(mapped_by_a_run(), ElementsAre(5, 5, 4, 4, 2, 2, 3, 3));
  EXPECT_THAT(files(), SizeIs(5));
}

TEST_F(PictureCacheTest, ADamagedOneIsReplaced) {
  (void)mapped_by_a_run();
  const auto file = files().at(0);
  const auto good = tests::read_bytes(file);
  std::vector<std::string> damaged = {"", "no cache", good.substr(0, good.size() - 1), good + 'x'};
  for (std::size_t i = 0; i < 72; ++i) {
    damaged.push_back(good);
    damaged.back()[i] = static_cast<char>(static_cast<unsigned char>(good[i]) ^ 0x10U);
  }
  for (const auto& bytes : damaged) {
    tests::write_bytes(file, bytes);
    EXPECT_FALSE(data_.open(options_)->in_file(Part::kTrainImages));
    EXPECT_THAT(mapped_by_a_run(), ElementsAre(1, 1, 2, 2, 3, 3));
    EXPECT_EQ(tests::read_bytes(file), good);
    EXPECT_THAT(files(), SizeIs(1));
  }
}

TEST_F(PictureCacheTest, WithoutAPlaceForItPicturesAreDecodedIntoMemory) {
  const auto expect_decoding = [&](const std::string& reason) {
    const auto source = data_.open(options_);
    const auto warning = source->prepare();
    EXPECT_THAT(warning, HasSubstr(reason));
    EXPECT_EQ(warning.find('\n'), std::string::npos);
    EXPECT_FALSE(source->in_file(Part::kTrainImages));
    EXPECT_THAT(data_.filled(*source, Part::kTrainImages), ElementsAre(1, 1, 2, 2));
    EXPECT_THAT(data_.filled(*source, Part::kTestImages), ElementsAre(3, 3));
  };
  options_.cache_folder = data_.path() / "train/a/1.png";
  expect_decoding("not kept for later runs");
  options_.cache_folder = caches_ / "pictures";
  rlimit before = {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  (void)::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  expect_decoding("File too large");
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(files(), IsEmpty()) << "nothing is left behind";
  options_.cache_folder.clear();
  EXPECT_EQ(data_.open(options_)->prepare(), "") << "none was asked for";
  EXPECT_FALSE(data_.open(options_)->in_file(Part::kTrainImages));
}

TEST_F(PictureCacheTest, ADamagedPictureLeavesNone) {
  auto damaged = grey_png(1);
  damaged.resize(45);
  data_.write("train/b/1.png", damaged);
  const auto source = data_.open(options_);
  tests::expect_error<DataError>([&] { (void)source->prepare(); },
                                 {"train/b/1.png: not a usable PNG"});
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(PictureCacheTest, APictureThatChangesMeanwhileIsNoticed) {
  const auto source = data_.open(options_);
  (void)source->shape();
  data_.write("train/b/1.png", grey_png(2, 2, 3));
  tests::expect_error<DataError>([&] { (void)source->prepare(); },
                                 {"train/b/1.png: it changed while the data were read"});
}

TEST_F(PictureCacheTest, TheFirstOfTwoWritersWins) {
  const auto inode = [&] {
    struct stat status = {};
    EXPECT_EQ(::stat(files().at(0).c_str(), &status), 0);
    return status.st_ino;
  };
  const auto slow = data_.open(options_);
  (void)slow->shape();  // has looked, and found none
  (void)mapped_by_a_run();
  const auto first = inode();
  EXPECT_EQ(slow->prepare(), "");
  EXPECT_EQ(inode(), first) << "a run may have mapped it";
  EXPECT_THAT(mapped(*slow), ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(files(), SizeIs(1));
}

TEST_F(PictureCacheTest, WhatKilledRunsLeftIsRemovedAfterADay) {
  fs::create_directories(options_.cache_folder);
  const auto leave = [&](const char* name, std::chrono::hours age) {
    tests::write_bytes(options_.cache_folder / name, "x");
    fs::last_write_time(options_.cache_folder / name, fs::file_time_type::clock::now() - age);
  };
  leave("ab.pictures.XYZabc.part", std::chrono::hours(25));
  leave("cd.pictures.XYZabc.part", std::chrono::hours(23));
  leave("download.part", std::chrono::hours(1000));
  leave("old.pictures", std::chrono::hours(1000));
  (void)mapped_by_a_run();
  EXPECT_FALSE(fs::exists(options_.cache_folder / "ab.pictures.XYZabc.part"));
  EXPECT_THAT(files(), SizeIs(4));
}

}  // namespace
}  // namespace lockstep::data
