#include <functional>
#include <numeric>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx.hpp>

#include "expect_error.hpp"
#include "idx_bytes.hpp"

namespace lockstep::data {
namespace {

std::string content(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7 + i / 251) % 256);
  return bytes;
}

std::string decode(const std::filesystem::path& path) {
  IdxFile file(path);
  std::string bytes(static_cast<std::size_t>(file.elements()), '\0');
  file.read_into(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
  return bytes;
}

class IdxFileTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  std::filesystem::path file(const std::string& bytes) {
    auto path = folder_ / "file";
    tests::write_bytes(path, bytes);
    return path;
  }
  void expect_data_error(const std::string& bytes,
                         std::initializer_list<std::string_view> mentions) {
    const auto path = file(bytes);
    tests::expect_error<DataError>([&] { decode(path); }, mentions);
  }
};

TEST_F(IdxFileTest, ReadsPlainAndCompressedFiles) {
  const auto body = content(60);
  const auto bytes = tests::idx_header({3, 5, 4}) + body;
  for (const auto& stored : {bytes, tests::gzip(bytes)}) {
    const auto path = file(stored);
    EXPECT_EQ(IdxFile(path).dimensions(), (std::vector<std::int64_t>{3, 5, 4}));
    EXPECT_EQ(decode(path), body);
  }
}

TEST_F(IdxFileTest, ReadsAFileOfSeveralGzipMembers) {
  const auto body = content(100'000);
  const auto bytes = tests::idx_header({100'000}) + body;
  const auto path = file(tests::gzip(bytes.substr(0, 60'000)) + tests::gzip(bytes.substr(60'000)));
  EXPECT_EQ(decode(path), body);
}

TEST_F(IdxFileTest, NamesWhatIsWrongWithTheHeader) {
  expect_data_error("", {"empty", (folder_ / "file").string()});
  expect_data_error(std::string(3, '\0'), {"ends inside its header", "offset 0"});
  expect_data_error(tests::idx_header({3}).substr(0, 6), {"ends inside its header", "offset 4"});
  expect_data_error("this is a text file", {"bad magic number 0x74686973", "offset 0"});
  expect_data_error(tests::idx_header({0}), {"dimension 0 is 0", "offset 4"});
  expect_data_error(tests::idx_header({}), {"bad magic number"});
  // 2^32 − 1 to the fourth power overflows 64 bits.
  expect_data_error(tests::idx_header({~0U, ~0U, ~0U, ~0U}), {"impossible dimensions"});
}

TEST_F(IdxFileTest, RefusesFloatsAndOtherElementTypes) {
  auto bytes = tests::idx_header({2}) + "ab";
  bytes[2] = '\x0d';
  expect_data_error(bytes, {"unsigned bytes", "0x00000d01"});
}

TEST_F(IdxFileTest, ReadsIntegersWhereTheyAreAllowed) {
  const std::string body("\0\0\0\x07\xff\xff\xff\xfe", 8);
  auto bytes = tests::idx_header({2, 1}) + body;
  bytes[2] = '\x0c';
  expect_data_error(bytes, {"unsigned bytes", "0x00000c02"});
  for (const auto& stored : {bytes, tests::gzip(bytes)}) {
    IdxFile integers(file(stored), IdxElements::kBytesOrIntegers);
    EXPECT_EQ(integers.elements(), 2);
    EXPECT_EQ(integers.element_bytes(), 4);
    std::string decoded(body.size(), '\0');
    integers.read_into(std::as_writable_bytes(std::span(decoded.data(), decoded.size())));
    EXPECT_EQ(decoded, body);
  }
  for (const auto& stored : {bytes + "x", bytes.substr(0, 14)}) {
    const auto path = file(stored);
    tests::expect_error<DataError>([&] { IdxFile(path, IdxElements::kBytesOrIntegers); },
                                   {"promises 20 bytes"});
  }
  EXPECT_EQ(
      IdxFile(file(tests::idx_header({1}) + "x"), IdxElements::kBytesOrIntegers).element_bytes(),
      1);
}

TEST_F(IdxFileTest, SaysWhatAnotherKindOfFileIs) {
  const auto expect = [&](const std::string& bytes, const char* what) {
    for (const auto& stored : {bytes, tests::gzip(bytes)}) {
      const auto path = file(stored);
      try {
        (void)decode(path);
        ADD_FAILURE() << "taken, though " << what;
      } catch (const DataError& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr(what));
        // It would bring the same file again.
        EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("fetch-data.sh")));
      }
    }
  };
  expect("PK\x03\x04 and so on", "zip archive: unpack it");
  expect("<!DOCTYPE html><html>", "web page");
  expect("label,pixel1,pixel2\n", "CSV");
  expect("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  expect("\x89PNG\r\n\x1a\n", "picture");
  expect(std::string("\0\0\x0d\x03", 4) + std::string(40, '\0'), "converted to unsigned bytes");
  const auto twice = tests::gzip(tests::gzip(tests::idx_header({3}) + "abc"));
  const auto path = file(twice);
  tests::expect_error<DataError>([&] { decode(path); }, {"compressed twice"});
}

TEST_F(IdxFileTest, WaitsForNoPipe) {
  const auto pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  tests::expect_error<DataError>([&] { IdxFile file(pipe); }, {"pipe", "is not a file"});
  tests::expect_error<DataError>([&] { IdxFile file("/dev/zero"); }, {"is not a file"});
}

TEST_F(IdxFileTest, HoldsTheLengthAgainstTheHeaderBeforeReading) {
  const auto bytes = tests::idx_header({4, 10}) + content(40);
  expect_data_error(bytes.substr(0, 30), {"promises 52 bytes", "the file has 30"});
  expect_data_error(bytes + "x", {"promises 52 bytes", "the file has 53"});
  expect_data_error(tests::gzip(bytes + "x"), {"promises 52 bytes", "the stream holds 53"});
  // A header that would have 4 TiB allocated.
  expect_data_error(tests::gzip(tests::idx_header({1U << 21U, 1U << 21U}) + "x"),
                    {"promises", "the stream holds 13"});
}

TEST_F(IdxFileTest, FindsDamageInACompressedStream) {
  const auto body = content(200'000);
  const auto packed = tests::gzip(tests::idx_header({200'000}) + body);
  for (const std::size_t keep : {packed.size() - 1, packed.size() - 9, packed.size() / 2}) {
    expect_data_error(packed.substr(0, keep), {"cut off", "fetch-data.sh"});
  }
  auto wrong_crc = packed;
  wrong_crc[packed.size() - 6] ^= 1;
  expect_data_error(wrong_crc, {"damaged", "incorrect data check"});
}

TEST_F(IdxFileTest, NoFlippedBitInACompressedFileGoesUnnoticed) {
  const auto packed = tests::gzip(tests::idx_header({600}) + content(600));
  constexpr std::size_t kGzipHeaderBytes = 10;  // holds a time stamp and the like, not content
  for (std::size_t byte = kGzipHeaderBytes; byte < packed.size(); ++byte) {
    auto damaged = packed;
    const auto flipped = static_cast<unsigned char>(damaged[byte]) ^ (1U << (byte % 8));
    damaged[byte] = static_cast<char>(flipped);
    const auto path = file(damaged);
    EXPECT_THROW(decode(path), DataError) << "byte " << byte;
  }
}

TEST_F(IdxFileTest, NoCutAndNoFlippedBitOfTheHeaderGoesUnnoticed) {
  const auto header = tests::idx_header({20, 5, 10});
  const auto bytes = header + content(1000);
  const auto compressed = tests::gzip(bytes);
  for (const auto& stored : {bytes, compressed}) {
    for (std::size_t length = 0; length < stored.size(); ++length) {
      EXPECT_THROW((void)decode(file(stored.substr(0, length))), DataError) << "cut at " << length;
    }
  }
  for (std::size_t bit = 0; bit < 8 * header.size(); ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << (bit % 8)));
    EXPECT_THROW((void)decode(file(damaged)), DataError) << "bit " << bit;
  }
}

TEST_F(IdxFileTest, NamesFilesThatCannotBeOpened) {
  tests::expect_error<DataError>([&] { IdxFile(folder_ / "absent"); },
                                 {"absent", "No such file or directory"});
  tests::expect_error<DataError>([&] { IdxFile(folder_.path()); }, {"is not a file"});
}

}  // namespace
}  // namespace lockstep::data
