// Files as memory.
#include <cstring>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/mapped_file.hpp>
#include <lockstep/data/npy_dataset.hpp>

#include "expect_error.hpp"
#include "npy_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::data {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  std::string text;
  for (const auto byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

TEST(MappedFile, HoldsTheBytesFromItsOffsetOn) {
  const tests::TemporaryFolder folder;
  std::string content(100'000, 'a');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 % 251);
  tests::write_bytes(folder / "file", content);
  MappedFile file(folder / "file", 4097, 50'001);
  file.read_ahead(true);
  EXPECT_EQ(text_of(file.bytes()), content.substr(4097, 50'001));
  file.read_ahead(false);
  will_need(file.bytes().subspan(12'345, 3));
  const auto* const where = file.bytes().data();
  MappedFile moved(std::move(file));
  EXPECT_EQ(moved.bytes().data(), where);
  MappedFile other(folder / "file", 0, 1);
  other = std::move(moved);
  EXPECT_EQ(text_of(other.bytes()), content.substr(4097, 50'001));
}

TEST(MappedFile, RefusesWhatIsNoFileOrTooShort) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "file", "12345");
  const auto refuse = [&](const char* name, std::size_t offset, std::size_t bytes,
                          std::string_view why) {
    tests::expect_error<DataError>([&] { (void)MappedFile(folder / name, offset, bytes); },
                                   {name, why});
  };
  refuse("file", 0, 6, "it has 5 bytes and should have 6");
  refuse("file", 4, 2, "it has 5 bytes and should have 6");
  refuse("file", ~std::size_t{0}, 2, "it has 5 bytes");
  refuse("none", 0, 1, "No such file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  refuse("pipe", 0, 1, "is not a file");
}

TEST(MappedFile, ArraysLieInTheirFilesAsTheyAreFilled) {
  const tests::TemporaryFolder folder;
  for (const std::string split : {"train", "test"}) {
    tests::write_bytes(folder / (split + "_inputs.npy"),
                       tests::npy<float>("<f4", "(3, 2)", {0, 1, 2, 3, 4, 5}));
    tests::write_bytes(folder / (split + "_targets.npy"),
                       tests::npy<std::int64_t>("<i8", "(3,)", {0, 1, 0}));
  }
  const auto source = open_npy_dataset(folder.path());
  const auto shape = source->shape();
  const auto place = source->in_file(Part::kTrainImages);
  ASSERT_TRUE(place);
  EXPECT_FALSE(source->in_file(Part::kTrainLabels)) << "they are converted";
  std::vector<std::byte> block(shape.block_bytes());
  for (const auto part : kAllParts) source->fill(part, shape.part(part, block));
  auto parts = shape.parts(block);
  const MappedFile file(place->path, place->offset, shape.part_bytes(Part::kTrainImages));
  EXPECT_EQ(text_of(file.bytes()), text_of(parts[0]));
  parts[0] = file.bytes();

  auto mapped = shape.train(parts);
  mapped.inputs_are_mapped = true;
  BatchGatherer gatherer(mapped.first(3), 2);
  const std::vector<std::int64_t> order = {2, 0, 1};
  gatherer.set_order(order);
  gatherer.prefetch({.first = 1, .count = 2});
  EXPECT_TRUE(gatherer.gather({.first = 1, .count = 2})
                  .inputs.equal(torch::tensor({{0.F, 1.F}, {2.F, 3.F}})));
}

}  // namespace
}  // namespace lockstep::data
