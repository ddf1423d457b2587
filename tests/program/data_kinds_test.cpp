// Whole runs on data in the files of others: IDX files of letters, and CIFAR. NumPy's arrays of the
// same bytes must give the same weights.
#include <filesystem>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cifar_bytes.hpp"
#include "idx_bytes.hpp"
#include "npy_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::uint8_t> numbers_of(const std::string& bytes) {
  return {bytes.begin(), bytes.end()};
}

class DataKindsTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path data_ = folder_ / "data";
  const fs::path arrays_ = folder_ / "arrays";

  void SetUp() override {
    fs::create_directory(data_);
    fs::create_directory(arrays_);
  }
  [[nodiscard]] Outcome run(const std::string& arguments, int ranks = 1) const {
    return run_program({.arguments = words(arguments), .ranks = ranks, .folder = folder_.path()});
  }
  [[nodiscard]] nlohmann::json json_of(const std::string& file) const {
    return nlohmann::json::parse(read_bytes(folder_ / file));
  }
  /// Trains at two ranks; returns the digest of the weights.
  [[nodiscard]] std::string train(const std::string& arguments, const std::string& folder) const {
    const auto outcome = run(arguments + " --output-dir " + folder, 2);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto ends = read_events(folder_ / folder, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
  void write_arrays(const std::string& split, const std::string& shape, const std::string& images,
                    const std::string& classes) const {
    const auto count = std::to_string(classes.size());
    write_bytes(arrays_ / (split + "_inputs.npy"),
                npy("|u1", "(" + count + ", " + shape + ")", numbers_of(images)));
    write_bytes(arrays_ / (split + "_targets.npy"),
                npy("|u1", "(" + count + ",)", numbers_of(classes)));
  }
  /// `evaluate` and `predict` on a run's weights say what the run said.
  void expect_same_answers(const std::string& last_label) const {
    const auto tests = read_events(folder_ / "run", "test");
    ASSERT_FALSE(tests.empty());
    const auto evaluated = run("evaluate --data-dir data --checkpoint run/model.safetensors", 2);
    EXPECT_EQ(evaluated.exit_code, 0) << evaluated.standard_error;
    EXPECT_THAT(evaluated.standard_output,
                HasSubstr(fmt::format("Accuracy: {:0.1f}%, Avg loss: {:8f}",
                                      100 * tests.back()["accuracy"].get<double>(),
                                      tests.back()["avg_loss"].get<double>())));
    const auto samples = tests.back()["samples"].get<std::int64_t>();
    const auto predicted = run(fmt::format(
        "predict --data-dir data --checkpoint run/model.safetensors --picture off --index 0,{}",
        samples - 1));
    EXPECT_EQ(predicted.exit_code, 0) << predicted.standard_error;
    EXPECT_THAT(predicted.standard_output,
                AllOf(HasSubstr("test image 0: "), EndsWith("; label: " + last_label + "\n")));
    const auto beyond = run(fmt::format(
        "predict --data-dir data --checkpoint run/model.safetensors --index {}", samples));
    EXPECT_EQ(beyond.exit_code, 2);
  }
  void expect_data_error(const std::string& mention) const {
    for (const int ranks : {1, 2}) {
      const auto outcome = run("train --data-dir data --model cnn", ranks);
      EXPECT_EQ(outcome.exit_code, 3) << outcome.standard_error;
      ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
      EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
    }
    EXPECT_FALSE(fs::exists(folder_ / "runs"));
  }
};

/// Letters of 14 × 10, labelled from 1 to 26 in turn, each a pattern of its class with some noise.
struct Letters {
  static constexpr std::uint32_t kClasses = 26;
  std::string images;
  std::string classes;  // from 0

  Letters(std::uint32_t count, std::uint32_t seed) {
    std::mt19937 noise(seed);
    for (std::uint32_t i = 0; i < count; ++i) {
      std::mt19937 pattern(i % kClasses);
      for (int pixel = 0; pixel < 140; ++pixel) {
        const auto bright = pattern() % 2 == 0 ? 0U : 180U;
        images.push_back(static_cast<char>(bright + noise() % 64));
      }
      classes.push_back(static_cast<char>(i % kClasses));
    }
  }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(classes.size()); }
  void write_idx(const fs::path& beginning) const {
    auto labels = idx_header({count()});
    for (const char one : classes) labels.push_back(static_cast<char>(one + 1));
    write_bytes(beginning.string() + "-images-idx3-ubyte", idx_header({count(), 14, 10}) + images);
    write_bytes(beginning.string() + "-labels-idx1-ubyte", labels);
  }
};

TEST_F(DataKindsTest, LettersInIdxFiles) {
  const Letters train_letters(520, 1);
  const Letters test_letters(104, 2);
  train_letters.write_idx(data_ / "emnist-letters-train");
  test_letters.write_idx(data_ / "emnist-letters-test");
  write_arrays("train", "1, 14, 10", train_letters.images, train_letters.classes);
  write_arrays("test", "1, 14, 10", test_letters.images, test_letters.classes);
  const std::string options =
      " --hidden 64 --optimizer adam --lr 0.01 --global-batch-size 32 --epochs 3";
  const auto digest = train("train --data-dir data" + options, "run");
  EXPECT_THAT(digest, SizeIs(64));
  EXPECT_EQ(train("train --data-dir arrays" + options, "of-arrays"), digest);
  EXPECT_EQ(json_of("run/config.json")["options"]["dataset"], "idx");
  EXPECT_EQ(json_of("of-arrays/config.json")["options"]["dataset"], "npy");
  // 1 of 26 is chance.
  EXPECT_GT(read_events(folder_ / "run", "test").back()["accuracy"], 0.5);
  const auto classes = json_of("run/predictions.json")["classes"];
  ASSERT_THAT(classes, SizeIs(26));
  EXPECT_EQ(classes.front(), "1");
  EXPECT_EQ(classes.back(), "26");
  expect_same_answers("class 26");
}

TEST_F(DataKindsTest, AWarningNamesLabelsAsTheFilesDo) {
  Letters letters(78, 1);
  letters.write_idx(data_ / "test");
  for (auto& one : letters.classes) one = one == 2 ? '\0' : one;
  letters.write_idx(data_ / "train");
  const auto outcome = run("train --data-dir data --hidden 4 --max-steps 1");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("the training labels are only 1, 2, 4, 5, "),
                    HasSubstr("1 stands for no class, and the test labels 3 occur in no")));
}

TEST_F(DataKindsTest, CifarTrainsTheCnn) {
  write_cifar10(data_ / "cifar-10-batches-bin", 20, 20);
  std::string images;
  std::string classes;
  for (std::size_t i = 0; i < 20; ++i) {
    images += cifar_record({}, i % 10);
    classes.push_back(static_cast<char>(i % 10));
  }
  write_arrays("test", "3, 32, 32", images, classes);
  std::string all_images;
  std::string all_classes;
  for (int batch = 0; batch < 5; ++batch) {
    all_images += images;
    all_classes += classes;
  }
  write_arrays("train", "3, 32, 32", all_images, all_classes);
  const std::string options = " --model cnn --global-batch-size 20 --epochs 2 --lr 0.01";
  const auto digest = train("train --data-dir data" + options, "run");
  EXPECT_THAT(digest, SizeIs(64));
  EXPECT_EQ(train("train --data-dir arrays" + options, "of-arrays"), digest);
  const auto recorded = json_of("run/config.json")["options"];
  EXPECT_EQ(recorded["dataset"], "cifar10");
  EXPECT_THAT(recorded["data_dir"].get<std::string>(), EndsWith("data/cifar-10-batches-bin"));
  EXPECT_EQ(json_of("run/predictions.json")["classes"][9], "truck");
  EXPECT_EQ(json_of("of-arrays/predictions.json")["classes"][9], "9");
  expect_same_answers("truck");
}

TEST_F(DataKindsTest, DamagedFilesAreOneLine) {
  write_cifar10(data_, 20, 20);
  const auto name = data_ / "data_batch_3.bin";
  auto bytes = read_bytes(name);
  write_bytes(name, bytes.substr(0, bytes.size() - 1));
  expect_data_error("data/data_batch_3.bin: it has 61459 bytes");
  bytes[19 * (1 + kCifarPixels)] = '\x7f';
  write_bytes(name, bytes);
  expect_data_error("data/data_batch_3.bin: label 127 of record 19");
  fs::remove(name);
  expect_data_error("data: data_batch_3.bin is missing");
}

}  // namespace
}  // namespace lockstep::tests
