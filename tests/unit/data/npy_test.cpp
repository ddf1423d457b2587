#include <numeric>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/npy_dataset.hpp>

#include "expect_error.hpp"
#include "npy_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::data {
namespace {

using ::testing::ElementsAre;
using tests::npy;
using tests::npy_header;

class NpyTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  void write(const std::string& name, const std::string& bytes) {
    tests::write_bytes(folder_ / (name + ".npy"), bytes);
  }
  /// Three training samples and two test samples of two floats, of classes 0 to 2.
  void write_all() {
    write("train_inputs", npy<float>("<f4", "(3, 2)", {0, 1, 2, 3, 4, 5}));
    write("train_targets", npy<std::int64_t>("<i8", "(3,)", {0, 2, 1}));
    write("test_inputs", npy<float>("<f4", "(2, 2)", {6, 7, 8, 9}));
    write("test_targets", npy<std::int64_t>("<i8", "(2,)", {1, 0}));
  }
  void expect_refused(std::initializer_list<std::string_view> mentions) {
    tests::expect_error<DataError>([&] { (void)open_npy_dataset(folder_.path()); }, mentions);
  }
  /// All test samples, as a network gets them.
  Batch test_batch(Dataset& test, std::vector<std::byte>& block) {
    const auto source = open_npy_dataset(folder_.path());
    const auto shape = source->shape();
    block.resize(shape.block_bytes());
    for (const auto part : kAllParts) source->fill(part, shape.part(part, block));
    test = shape.test(block);
    BatchGatherer gatherer(test, test.size());
    const auto order = test.indices();
    gatherer.set_order(order);
    const auto batch = gatherer.gather({.first = 0, .count = test.size()});
    return {batch.inputs.clone(), batch.targets.clone()};
  }
  Dataset test_;
  std::vector<std::byte> block_;
};

TEST_F(NpyTest, FloatsAndClasses) {
  EXPECT_FALSE(has_npy_files(folder_.path()));
  write_all();
  EXPECT_TRUE(has_npy_files(folder_.path()));
  const auto shape = open_npy_dataset(folder_.path())->shape();
  EXPECT_EQ(shape.train_samples(), 3);
  EXPECT_EQ(shape.test_samples(), 2);
  EXPECT_THAT(shape.spec().input.shape, ElementsAre(2));
  EXPECT_EQ(shape.spec().outputs(), 3);
  const auto batch = test_batch(test_, block_);
  EXPECT_TRUE(batch.inputs.equal(torch::tensor({{6.F, 7.F}, {8.F, 9.F}})));
  EXPECT_TRUE(batch.targets.equal(torch::tensor({1, 0}, torch::kInt64)));
}

TEST_F(NpyTest, BytesBecomeFloatsUpTo1) {
  write_all();
  write("train_inputs", npy<std::uint8_t>("|u1", "(3, 1, 2)", {0, 1, 2, 3, 4, 255}));
  write("test_inputs", npy<std::uint8_t>("|u1", "(2, 1, 2)", {0, 255, 51, 102}));
  const auto batch = test_batch(test_, block_);
  EXPECT_TRUE(batch.inputs.equal(torch::tensor({{{0.F, 1.F}}, {{51.F / 255, 102.F / 255}}})));
}

TEST_F(NpyTest, BooleansAreZeroAndOne) {
  write_all();
  write("train_inputs", npy<std::uint8_t>("|b1", "(3, 2)", {0, 1, 0, 1, 1, 1}));
  write("test_inputs", npy<std::uint8_t>("|b1", "(2, 2)", {0, 1, 1, 0}));
  write("train_targets", npy<std::uint8_t>("|b1", "(3,)", {0, 1, 0}));
  write("test_targets", npy<std::uint8_t>("|b1", "(2,)", {1, 0}));
  const auto batch = test_batch(test_, block_);
  EXPECT_TRUE(batch.inputs.equal(torch::tensor({{0.F, 1.F}, {1.F, 0.F}})));
  EXPECT_TRUE(batch.targets.equal(torch::tensor({1, 0}, torch::kInt64)));
}

TEST_F(NpyTest, OtherIntegersStay) {
  write_all();
  write("train_inputs", npy<std::int32_t>("<i4", "(3, 2)", {0, 1, 2, 3, 4, 70000}));
  write("test_inputs", npy<std::int32_t>("<i4", "(2, 2)", {5, -1, 7, 8}));
  const auto batch = test_batch(test_, block_);
  EXPECT_EQ(batch.inputs.scalar_type(), torch::kInt64);
  EXPECT_TRUE(batch.inputs.equal(torch::tensor({{5, -1}, {7, 8}}, torch::kInt64)));
}

TEST_F(NpyTest, FloatTargetsAreNumbers) {
  write_all();
  write("train_targets", npy<double>("<f8", "(3,)", {0.5, 1.5, 2.5}));
  write("test_targets", npy<double>("<f8", "(2,)", {0.25, -3}));
  const auto batch = test_batch(test_, block_);
  EXPECT_EQ(test_.spec.outputs(), 1);
  EXPECT_TRUE(batch.targets.equal(torch::tensor({{0.25F}, {-3.F}})));
}

TEST_F(NpyTest, MoreThan256Classes) {
  write_all();
  write("train_targets", npy<std::int16_t>("<i2", "(3,)", {0, 299, 1}));
  write("test_targets", npy<std::int16_t>("<i2", "(2,)", {298, 0}));
  const auto batch = test_batch(test_, block_);
  EXPECT_EQ(test_.spec.outputs(), 300);
  EXPECT_TRUE(batch.targets.equal(torch::tensor({298, 0}, torch::kInt64)));
}

TEST_F(NpyTest, ManyTargetsAreReadInParts) {
  write_all();
  std::vector<std::int64_t> many(200'000);
  std::iota(many.begin(), many.end(), 0);
  for (auto& target : many) target %= 7;
  write("test_inputs", npy<float>("<f4", "(200000, 2)", std::vector<float>(400'000)));
  write("test_targets", npy<std::int64_t>("<i8", "(200000,)", many));
  const auto batch = test_batch(test_, block_);
  EXPECT_TRUE(batch.targets.equal(torch::tensor(many, torch::kInt64)));
}

TEST_F(NpyTest, FilesThatDoNotFitEachOther) {
  expect_refused({"train_inputs.npy is missing"});
  write_all();
  write("train_targets", npy<std::int64_t>("<i8", "(2,)", {0, 2}));
  expect_refused({"has 3 inputs", "has 2 targets"});
  write_all();
  write("test_inputs", npy<float>("<f4", "(2, 1, 2)", {6, 7, 8, 9}));
  expect_refused({"[3, 2]", "[2, 1, 2]", "differ"});
  write("test_inputs", npy<double>("<f8", "(2, 2)", {6, 7, 8, 9}));
  expect_refused({"Float", "Double", "differ"});
  write_all();
  write("test_targets", npy<std::int64_t>("<i8", "(2,)", {1, -1}));
  expect_refused({"test_targets.npy", "target -1 of sample 1"});
  write_all();
  write("train_inputs", npy<float>("<f4", "(3,)", {0, 1, 2}));
  expect_refused({"train_inputs.npy", "[3]"});
  write_all();
  write("train_targets", npy<float>("<f4", "(3, 0)", {}));
  expect_refused({"train_targets.npy", "empty"});
  write_all();
  write("train_targets", npy<std::int64_t>("<i8", "(3, 1)", {0, 2, 1}));
  write("test_targets", npy<std::int64_t>("<i8", "(2, 1)", {0, 2}));
  expect_refused({"classes need the shape [N]", "[3, 1]"});
}

TEST_F(NpyTest, WaitsForNoPipe) {
  write_all();
  const auto name = folder_ / "test_inputs.npy";
  std::filesystem::remove(name);
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  expect_refused({"test_inputs.npy is not a file"});
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  expect_refused({"test_inputs.npy is not a file"});
}

TEST_F(NpyTest, FilesThatAreNoArraysOfNumbers) {
  write_all();
  const auto refuse = [&](const std::string& bytes,
                          std::initializer_list<std::string_view> mentions) {
    write("train_inputs", bytes);
    expect_refused(mentions);
  };
  refuse("", {"train_inputs.npy", "not a .npy file"});
  refuse("PK\x03\x04 an archive of arrays", {"not a .npy file"});
  refuse(std::string("\x93NUMPY\x09\x00\x10\x00", 10), {"version 9"});
  refuse(std::string("\x93NUMPY\x01\x00\x10\x00", 10), {"ends inside its header"});
  refuse(std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12), {"a header of 2147483647 bytes"});
  const auto with = [](const std::string& type, const std::string& order,
                       const std::string& shape) {
    return npy_header("{'descr': '" + type + "', 'fortran_order': " + order +
                      ", 'shape': " + shape + ", }");
  };
  refuse(with(">f4", "False", "(3, 2)"), {"big-endian", "astype('<f4')"});
  refuse(with("|O", "False", "(3, 2)"), {"Python objects"});
  refuse(with("<c8", "False", "(3, 2)"), {"'<c8'"});
  refuse(with("<u2", "False", "(3, 2)"), {"unsigned", "astype('<i8')"});
  refuse(with("<f4", "True", "(3, 2)"), {"Fortran's order", "ascontiguousarray"});
  refuse(with("<f4", "False", "(3, -2)"), {"shape", "(3, -2)"});
  refuse(with("<f4", "False", "(3, 99999999999999999999)"), {"shape"});
  refuse(with("<f4", "False", "(4294967296, 4294967296, 16)"), {"impossible dimensions"});
  refuse(with("<f4", "False", "(3, 2)"), {"promises", "bytes, and the file has"});
  refuse(npy<float>("<f4", "(3, 2)", {0, 1, 2, 3, 4, 5, 6}), {"promises"});
  refuse(npy_header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,), }"),
         {"type"});
  refuse(npy_header("{'shape': (3,)}"), {"'descr'"});
  refuse(npy_header("{}"), {"'descr'"});
  write("train_inputs", npy<float>("<f4", "(0, 2)", {}));
  write("train_targets", npy<std::int64_t>("<i8", "(0,)", {}));
  expect_refused({"train_inputs.npy", "empty"});
}

}  // namespace
}  // namespace lockstep::data
