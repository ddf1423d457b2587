#include <array>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/cifar.hpp>

#include "cifar_bytes.hpp"
#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using tests::cifar_record;
using tests::kCifarPixels;

class CifarTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  void write(const std::string& name, const std::string& bytes) const {
    tests::write_bytes(folder_ / name, bytes);
  }
  /// Two records for training and one for the test; the last label is the fine one.
  void write_cifar100() const {
    write("train.bin", cifar_record({19, 99}, 1) + cifar_record({0, 7}, 2));
    write("test.bin", cifar_record({5, 0}, 3));
  }
  [[nodiscard]] std::string filled(DatasetSource& source, Part part) const {
    const auto shape = source.shape();
    std::vector<std::byte> block(shape.block_bytes());
    const auto bytes = shape.part(part, block);
    source.fill(part, bytes);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  void fill_all(Cifar kind) const {
    const auto source = open_cifar(kind, folder_.path());
    for (const Part part : kAllParts) (void)filled(*source, part);
  }
  void expect_refused(Cifar kind, std::initializer_list<std::string_view> mentions) const {
    tests::expect_error<DataError>([&] { fill_all(kind); }, mentions);
  }
};

TEST_F(CifarTest, ReadsEveryByteOfAllBatchesInOrder) {
  std::string images;
  std::string labels;
  std::size_t seed = 0;
  // The longest batch takes several reads.
  constexpr std::array kRecords = {1, 2, 300, 128, 129};
  for (std::size_t batch = 0; batch < kRecords.size(); ++batch) {
    std::string bytes;
    for (int i = 0; i < kRecords.at(batch); ++i, ++seed) {
      const auto record = cifar_record({static_cast<int>(seed % 10)}, seed);
      bytes += record;
      labels += record.front();
      images += record.substr(1);
    }
    write("data_batch_" + std::to_string(batch + 1) + ".bin", bytes);
  }
  write("test_batch.bin", cifar_record({9}, 1000));
  EXPECT_TRUE(has_cifar_files(Cifar::k10, folder_.path()));
  EXPECT_FALSE(has_cifar_files(Cifar::k100, folder_.path()));
  const auto source = open_cifar(Cifar::k10, folder_.path());
  const auto shape = source->shape();
  EXPECT_THAT(shape.spec().input.shape, ElementsAre(3, 32, 32));
  EXPECT_EQ(shape.spec().input.element_type, torch::kUInt8);
  EXPECT_EQ(shape.spec().input.divisor, 255);
  EXPECT_EQ(shape.spec().outputs(), 10);
  EXPECT_EQ(shape.train_samples(), 560);
  EXPECT_EQ(shape.test_samples(), 1);
  EXPECT_TRUE(filled(*source, Part::kTrainImages) == images);
  EXPECT_TRUE(filled(*source, Part::kTrainLabels) == labels);
  EXPECT_TRUE(filled(*source, Part::kTestImages) == cifar_record({}, 1000));
  EXPECT_EQ(filled(*source, Part::kTestLabels), "\x09");
  EXPECT_EQ(source->folder(), folder_.path().string());
  EXPECT_THAT(source->description(), HasSubstr("CIFAR-10"));
}

TEST_F(CifarTest, OfTwoLabelsTheFineOneCounts) {
  write_cifar100();
  EXPECT_TRUE(has_cifar_files(Cifar::k100, folder_.path()));
  EXPECT_FALSE(has_cifar_files(Cifar::k10, folder_.path()));
  const auto source = open_cifar(Cifar::k100, folder_.path());
  EXPECT_EQ(source->shape().spec().outputs(), 100);
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\x63\x07", 2));
  EXPECT_EQ(filled(*source, Part::kTestLabels), std::string("\0", 1));
  EXPECT_TRUE(filled(*source, Part::kTrainImages) == cifar_record({}, 1) + cifar_record({}, 2));
}

TEST_F(CifarTest, FindsTheFolderThatTheArchiveUnpacksTo) {
  const auto below = folder_ / "cifar-10-batches-bin";
  tests::write_cifar10(below, 10, 3);
  for (const auto& folder : {folder_.path(), below}) {
    EXPECT_TRUE(has_cifar_files(Cifar::k10, folder));
    EXPECT_EQ(open_cifar(Cifar::k10, folder)->folder(), below.string());
  }
}

TEST_F(CifarTest, ClassesHaveTheNamesOfTheFileThatHasOneForEach) {
  tests::write_cifar10(folder_.path(), 10, 3);
  const auto names = [&] {
    return class_names(open_cifar(Cifar::k10, folder_.path())->shape().spec());
  };
  const auto is_named = [&](const std::string& text) {
    write("batches.meta.txt", text);
    const auto all = names();
    EXPECT_THAT(all, SizeIs(10));
    return all.back() != "9";
  };
  ASSERT_THAT(names(), SizeIs(10));
  EXPECT_EQ(names().front(), "airplane");
  EXPECT_EQ(names().back(), "truck");
  EXPECT_TRUE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\nj"));
  EXPECT_TRUE(is_named("a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh\r\ni\r\nj\r\n"));
  EXPECT_EQ(names().back(), "j");
  EXPECT_TRUE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\nStraße\n"));
  EXPECT_FALSE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\n"));
  EXPECT_FALSE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n"));
  EXPECT_FALSE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\n\xff\n"));
  EXPECT_FALSE(is_named("a\nb\nc\nd\ne\nf\ng\nh\ni\n\x1b[31mj\n"));
  EXPECT_FALSE(is_named(""));
  EXPECT_FALSE(is_named(std::string(100'000, 'x')));
  std::filesystem::remove(folder_ / "batches.meta.txt");
  EXPECT_EQ(names().back(), "9");
  ASSERT_EQ(::mkfifo((folder_ / "batches.meta.txt").c_str(), 0600), 0);
  EXPECT_EQ(names().back(), "9");

  write_cifar100();
  std::string fine;
  for (int i = 0; i < 100; ++i) fine += "class_" + std::to_string(i) + "\n";
  write("fine_label_names.txt", fine);
  const auto of_100 = class_names(open_cifar(Cifar::k100, folder_.path())->shape().spec());
  ASSERT_THAT(of_100, SizeIs(100));
  EXPECT_EQ(of_100.back(), "class_99");
}

TEST_F(CifarTest, NamesWhatIsMissing) {
  EXPECT_FALSE(has_cifar_files(Cifar::k10, folder_.path()));
  tests::write_cifar10(folder_.path(), 10, 3);
  std::filesystem::remove(folder_ / "data_batch_4.bin");
  EXPECT_TRUE(has_cifar_files(Cifar::k10, folder_.path()));
  expect_refused(Cifar::k10, {folder_.path().string() + ": data_batch_4.bin is missing",
                              "www.cs.toronto.edu", "(data_dir)"});
  write("cifar-10-binary.tar.gz", "x");
  std::filesystem::remove(folder_ / "test_batch.bin");
  expect_refused(Cifar::k10, {": data_batch_4.bin, test_batch.bin are missing", "unpack"});
  std::filesystem::create_directory(folder_ / "cifar-100-python");
  expect_refused(Cifar::k100, {": train.bin, test.bin are missing", "for Python is not read",
                               "cifar-100-binary.tar.gz"});
}

TEST_F(CifarTest, OneFileOfACommonNameIsNotEnough) {
  write("train.bin", "of another program");
  EXPECT_FALSE(has_cifar_files(Cifar::k100, folder_.path()));
  write("test.bin", "of another program");
  EXPECT_TRUE(has_cifar_files(Cifar::k100, folder_.path()));
  expect_refused(Cifar::k100, {"train.bin", "18 bytes", "records of 3074 bytes"});
}

TEST_F(CifarTest, FilesOfAnotherSize) {
  const auto record = cifar_record({3}, 1);
  for (const auto& bytes : {record.substr(1), record + "x", record + record.substr(0, 100)}) {
    tests::write_cifar10(folder_.path(), 10, 3);
    write("data_batch_2.bin", bytes);
    expect_refused(Cifar::k10, {(folder_ / "data_batch_2.bin").string(),
                                std::to_string(bytes.size()) + " bytes", "of 3073 bytes"});
  }
  write("data_batch_2.bin", "");
  expect_refused(Cifar::k10, {"data_batch_2.bin: the file is empty"});
}

TEST_F(CifarTest, LabelsOutOfRange) {
  tests::write_cifar10(folder_.path(), 200, 3);
  auto bytes = tests::read_bytes(folder_ / "data_batch_5.bin");
  bytes[150 * (1 + kCifarPixels)] = '\x0a';
  write("data_batch_5.bin", bytes);
  expect_refused(Cifar::k10, {"data_batch_5.bin: label 10 of record 150 (byte 460950)", "0–9"});
  write_cifar100();
  write("test.bin", cifar_record({5, 100}, 3));
  expect_refused(Cifar::k100, {"test.bin: label 100 of record 0 (byte 1)", "0–99"});
  // The coarse label is not looked at.
  write("test.bin", cifar_record({200, 99}, 3));
  fill_all(Cifar::k100);
}

TEST_F(CifarTest, WaitsForNoPipe) {
  tests::write_cifar10(folder_.path(), 10, 3);
  const auto name = folder_ / "data_batch_3.bin";
  std::filesystem::remove(name);
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  expect_refused(Cifar::k10, {name.string() + " is not a file"});
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  expect_refused(Cifar::k10, {name.string() + " is not a file"});
}

}  // namespace
}  // namespace lockstep::data
