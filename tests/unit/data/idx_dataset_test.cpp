#include <numeric>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/idx_dataset.hpp>

#include "expect_error.hpp"
#include "idx_bytes.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Bytes that count up from `first`.
std::string counted(std::size_t size, int first) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), static_cast<char>(first));
  return bytes;
}

std::string labels_of(const std::vector<int>& labels) {
  auto bytes = tests::idx_header({static_cast<std::uint32_t>(labels.size())});
  for (const int label : labels) bytes.push_back(static_cast<char>(label));
  return bytes;
}

/// Rows of `columns` big-endian integers: the label, then others.
std::string integer_labels_of(const std::vector<int>& labels, std::uint32_t columns) {
  auto bytes = tests::idx_header({static_cast<std::uint32_t>(labels.size()), columns});
  bytes[2] = '\x0c';
  for (const int label : labels) {
    const auto value = static_cast<std::uint32_t>(label);
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      bytes.push_back(static_cast<char>(value >> shift & 0xffU));
    }
    bytes += std::string(std::size_t{columns - 1} * 4, '\x7f');
  }
  return bytes;
}

class IdxDatasetTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  void write(const std::string& name, const std::string& bytes) const {
    tests::write_bytes(folder_ / name, bytes);
  }
  /// Three training and two test images of 2 × 3.
  void write_small(const std::string& prefix = "", const std::string& test = "t10k") const {
    write(prefix + "train-images-idx3-ubyte", tests::idx_header({3, 2, 3}) + counted(18, 10));
    write(prefix + "train-labels-idx1-ubyte", labels_of({0, 2, 1}));
    write(prefix + test + "-images-idx3-ubyte", tests::idx_header({2, 2, 3}) + counted(12, 90));
    write(prefix + test + "-labels-idx1-ubyte", labels_of({4, 0}));
  }
  /// As many images of `side` × `side` as there are labels.
  void write_squares(std::uint32_t side, const std::vector<int>& train,
                     const std::vector<int>& test) const {
    const auto images = [&](const std::vector<int>& labels) {
      return tests::idx_header({static_cast<std::uint32_t>(labels.size()), side, side}) +
             std::string(labels.size() * side * side, 'x');
    };
    write("train-images-idx3-ubyte", images(train));
    write("train-labels-idx1-ubyte", labels_of(train));
    write("t10k-images-idx3-ubyte", images(test));
    write("t10k-labels-idx1-ubyte", labels_of(test));
  }
  [[nodiscard]] std::string filled(DatasetSource& source, Part part) const {
    const auto shape = source.shape();
    std::vector<std::byte> block(shape.block_bytes());
    const auto bytes = shape.part(part, block);
    source.fill(part, bytes);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  void expect_refused(std::initializer_list<std::string_view> mentions) const {
    tests::expect_error<DataError>([&] { (void)open_idx_dataset(folder_.path()); }, mentions);
  }
};

TEST_F(IdxDatasetTest, ReadsEveryByteOfImagesOfAnySize) {
  EXPECT_FALSE(has_idx_files(folder_.path()));
  write_small();
  EXPECT_TRUE(has_idx_files(folder_.path()));
  const auto source = open_idx_dataset(folder_.path());
  const auto shape = source->shape();
  EXPECT_THAT(shape.spec().input.shape, ElementsAre(1, 2, 3));
  EXPECT_EQ(shape.spec().input.divisor, 255);
  EXPECT_EQ(shape.spec().input.element_type, torch::kUInt8);
  EXPECT_EQ(shape.train_samples(), 3);
  EXPECT_EQ(shape.test_samples(), 2);
  EXPECT_EQ(filled(*source, Part::kTrainImages), counted(18, 10));
  EXPECT_EQ(filled(*source, Part::kTestImages), counted(12, 90));
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\0\2\1", 3));
  EXPECT_EQ(filled(*source, Part::kTestLabels), std::string("\4\0", 2));
  EXPECT_EQ(shape.spec().outputs(), 5) << "the largest label is one of the test's";
  EXPECT_THAT(class_names(shape.spec()), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_EQ(source->folder(), folder_.path().string());
  EXPECT_THAT(source->description(), HasSubstr(folder_.path().string()));
}

TEST_F(IdxDatasetTest, SamplesMayHaveOneOrThreeDimensions) {
  const auto expect_shape = [&](const std::vector<std::uint32_t>& of_sample,
                                const std::vector<std::int64_t>& expected) {
    std::size_t size = 1;
    for (const auto extent : of_sample) size *= extent;
    const auto images = [&](std::uint32_t count) {
      auto dimensions = of_sample;
      dimensions.insert(dimensions.begin(), count);
      return tests::idx_header(dimensions) + counted(count * size, 1);
    };
    write("train-images-idx3-ubyte", images(3));
    write("t10k-images-idx3-ubyte", images(2));
    const auto source = open_idx_dataset(folder_.path());
    EXPECT_THAT(source->shape().spec().input.shape, ElementsAreArray(expected));
    EXPECT_EQ(filled(*source, Part::kTrainImages), counted(3 * size, 1));
  };
  write_small();
  expect_shape({}, {1});
  expect_shape({7}, {7});
  expect_shape({4, 5}, {1, 4, 5});
  expect_shape({3, 4, 5}, {3, 4, 5});
  expect_shape({1, 1}, {1, 1, 1});
}

TEST_F(IdxDatasetTest, LabelsFrom1AreShiftedAndKeepTheirNames) {
  write_small();
  write("train-labels-idx1-ubyte", labels_of({1, 26, 3}));
  write("t10k-labels-idx1-ubyte", labels_of({2, 1}));
  const auto source = open_idx_dataset(folder_.path());
  const auto spec = source->shape().spec();
  EXPECT_EQ(spec.outputs(), 26);
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\0\x19\2", 3));
  EXPECT_EQ(filled(*source, Part::kTestLabels), std::string("\1\0", 2));
  const auto names = class_names(spec);
  ASSERT_EQ(names.size(), 26U);
  EXPECT_EQ(names.front(), "1");
  EXPECT_EQ(names.back(), "26");
  // A 0 in either file is a class.
  write("t10k-labels-idx1-ubyte", labels_of({2, 0}));
  const auto with_0 = open_idx_dataset(folder_.path());
  EXPECT_EQ(with_0->shape().spec().outputs(), 27);
  EXPECT_EQ(filled(*with_0, Part::kTrainLabels), std::string("\1\x1a\3", 3));
}

TEST_F(IdxDatasetTest, AByteHolds256Classes) {
  write_small();
  write("train-labels-idx1-ubyte", labels_of({0, 255, 128}));
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(source->shape().spec().outputs(), 256);
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\0\xff\x80", 3));
}

TEST_F(IdxDatasetTest, OfExtendedLabelsTheFirstColumnCounts) {
  write_small("qmnist-", "test");
  std::filesystem::remove(folder_ / "qmnist-train-labels-idx1-ubyte");
  std::filesystem::remove(folder_ / "qmnist-test-labels-idx1-ubyte");
  write("qmnist-train-labels-idx2-int", integer_labels_of({5, 0, 9}, 8));
  write("qmnist-test-labels-idx2-int.gz", tests::gzip(integer_labels_of({7, 3}, 8)));
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(source->shape().spec().outputs(), 10);
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\5\0\x09", 3));
  EXPECT_EQ(filled(*source, Part::kTestLabels), std::string("\7\3", 2));

  // More classes than a byte holds take eight bytes each.
  write("qmnist-train-labels-idx2-int", integer_labels_of({1, 300, 2}, 1));
  const auto many = open_idx_dataset(folder_.path());
  EXPECT_EQ(many->shape().spec().outputs(), 300);
  EXPECT_EQ(filled(*many, Part::kTrainLabels),
            std::string("\0\0\0\0\0\0\0\0\x2b\1\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 24));

  for (const int wrong : {-1, 1 << 20}) {
    write("qmnist-train-labels-idx2-int", integer_labels_of({5, wrong, 9}, 8));
    expect_refused({"qmnist-train-labels-idx2-int", std::to_string(wrong), "sample 1"});
  }
  write("qmnist-train-labels-idx2-int", integer_labels_of({5, 0, 9}, 9));
  expect_refused({"qmnist-train-labels-idx2-int", "[N, up to 8]", "[3, 9]"});
}

TEST_F(IdxDatasetTest, FindsTheFilesBehindAPrefixAndInTorchvisionsPlace) {
  std::filesystem::create_directory(folder_ / "raw");
  write_small("raw/emnist-letters-", "test");
  write("raw/emnist-letters-mapping.txt", "1 65 97\n");
  write("raw/._emnist-letters-train-images-idx3-ubyte", "of macOS");
  EXPECT_TRUE(has_idx_files(folder_.path()));
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(source->folder(), (folder_ / "raw").string());
  EXPECT_THAT(source->description(), HasSubstr("emnist-letters-"));
  EXPECT_EQ(source->shape().train_samples(), 3);
}

TEST_F(IdxDatasetTest, APlainFileGoesBeforeItsCopy) {
  write_small();
  write("train-labels-idx1-ubyte.gz", "not read");
  write("train-labels.idx1-ubyte", "not read");
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(filled(*source, Part::kTrainLabels), std::string("\0\2\1", 3));
  write("test-images-idx3-ubyte", "of whom?");
  expect_refused({"t10k-images-idx3-ubyte and ", "/test-images-idx3-ubyte", "leave one"});
}

TEST_F(IdxDatasetTest, AFileMayLieInAFolderOfItsName) {
  write_small();
  const auto name = folder_ / "t10k-labels-idx1-ubyte";
  const auto bytes = tests::read_bytes(name);
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  tests::write_bytes(name / "t10k-labels-idx1-ubyte", bytes);
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(filled(*source, Part::kTestLabels), std::string("\4\0", 2));
}

TEST_F(IdxDatasetTest, SeveralDataSetsInOneFolderAreNamed) {
  write_small("emnist-letters-", "test");
  write_small("emnist-digits-", "test");
  expect_refused({folder_.path().string() + " holds 2 data sets", "emnist-digits-, emnist-letters-",
                  "ln -s ", "(data_dir)"});
  write_small();
  expect_refused({"holds 3 data sets", "train- and t10k-, emnist-digits-"});
}

TEST_F(IdxDatasetTest, NamesWhatIsMissing) {
  expect_refused({"no IDX files in " + folder_.path().string(), "train-images-idx3-ubyte"});
  write_small("kept-", "test");
  std::filesystem::remove(folder_ / "kept-test-labels-idx1-ubyte");
  expect_refused({folder_.path().string() + ": kept-test-labels-idx1-ubyte[.gz] is missing"});
  const auto name = folder_ / "kept-test-labels-idx1-ubyte";
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  expect_refused({name.string() + ": a pipe, a device or a folder", "files only"});
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  expect_refused({name.string() + ": a pipe, a device or a folder", "files only"});
}

TEST_F(IdxDatasetTest, AFolderOfPipesIsOfNoKind) {
  for (const char* name : {"train-images-idx3-ubyte", "x-train-labels-idx1-ubyte"}) {
    ASSERT_EQ(::mkfifo((folder_ / name).c_str(), 0600), 0);
  }
  EXPECT_FALSE(has_idx_files(folder_.path()));
  expect_refused({"no IDX files in"});
}

TEST_F(IdxDatasetTest, FilesThatDoNotFitEachOther) {
  write_small();
  write("train-labels-idx1-ubyte", labels_of({0, 2}));
  expect_refused({"has 3 images", "has 2 labels", "do not belong together"});
  write_small();
  write("t10k-images-idx3-ubyte", tests::idx_header({2, 3, 2}) + counted(12, 0));
  expect_refused({"[3, 2, 3]", "[2, 3, 2]", "differ"});
  write_small();
  write("t10k-labels-idx1-ubyte", tests::idx_header({2, 1}) + "ab");
  expect_refused({"t10k-labels-idx1-ubyte", "shape [N]", "[2, 1]"});
}

TEST_F(IdxDatasetTest, DamagedFiles) {
  for (const std::string name : {"train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    write_small();
    const auto sound = tests::read_bytes(folder_ / name);
    write(name, "");
    expect_refused({name, "empty"});
    write(name, sound.substr(0, 5));
    expect_refused({name, "ends inside its header"});
    write(name, sound.substr(0, sound.size() - 1));
    expect_refused({name, "promises"});
    write(name, sound + "x");
    expect_refused({name, "promises"});
    write(name, "text, and no IDX");
    expect_refused({name, "bad magic number"});
  }
}

/// Which kind a folder of files with FashionMNIST's names is.
TEST_F(IdxDatasetTest, OnlyImagesAndLabelsLikeItsOwnAreForFashionMnist) {
  const auto is_like_fashion_mnist = [&] { return has_fashion_mnist_files({folder_.path()}); };
  std::vector<int> classes(10);
  std::iota(classes.begin(), classes.end(), 0);
  write_squares(28, classes, {3});
  EXPECT_TRUE(is_like_fashion_mnist());
  write_squares(28, {0, 4}, {3});
  EXPECT_TRUE(is_like_fashion_mnist());
  write_squares(28, {1, 2, 3}, {9});
  EXPECT_TRUE(is_like_fashion_mnist());
  // One wrong label is damage; its file's source says which.
  auto damaged = classes;
  damaged.push_back(200);
  write_squares(28, damaged, {3});
  EXPECT_TRUE(is_like_fashion_mnist());
  write("train-images-idx3-ubyte", "damage");
  EXPECT_TRUE(is_like_fashion_mnist());

  write_squares(14, classes, {3});
  EXPECT_FALSE(is_like_fashion_mnist());
  std::filesystem::remove(folder_ / "train-labels-idx1-ubyte");
  EXPECT_FALSE(is_like_fashion_mnist());
  auto eleven = classes;
  eleven.push_back(10);
  write_squares(28, eleven, {3});
  EXPECT_FALSE(is_like_fashion_mnist());
  write_squares(28, classes, {10});
  EXPECT_FALSE(is_like_fashion_mnist());
  eleven.front() = 5;  // 1 to 10
  write_squares(28, eleven, {3});
  EXPECT_FALSE(is_like_fashion_mnist());
  std::vector<int> all(256);
  std::iota(all.begin(), all.end(), 0);
  write_squares(28, all, {3});
  EXPECT_FALSE(is_like_fashion_mnist());
  std::filesystem::remove(folder_ / "t10k-labels-idx1-ubyte");
  EXPECT_TRUE(is_like_fashion_mnist()) << "who knows?";
}

TEST_F(IdxDatasetTest, ItsHeadersAreReadInCompressedFilesToo) {
  write_squares(14, {0, 1}, {1});
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    write(std::string(name) + ".gz", tests::gzip(tests::read_bytes(folder_ / name)));
    std::filesystem::remove(folder_ / name);
  }
  EXPECT_FALSE(has_fashion_mnist_files({folder_.path()}));
  const auto source = open_idx_dataset(folder_.path());
  EXPECT_EQ(filled(*source, Part::kTrainImages), std::string(392, 'x'));
  EXPECT_THAT(std::get<ClassTarget>(source->shape().spec().target).names, IsEmpty());
}

}  // namespace
}  // namespace lockstep::data
