#include <functional>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/mlp.hpp>

#include "expect_error.hpp"
#include "golden.hpp"
#include "temporary_folder.hpp"

namespace lockstep::model {
namespace {

std::string from_base64(const std::string& text) {
  static const std::string alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6U) | static_cast<unsigned>(alphabet.find(c));
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU));
    }
  }
  return bytes;
}

/// A file with this header and `data_bytes` zero bytes behind it.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>((header.size() >> (8 * i)) & 0xffU);
  }
  return bytes + header + std::string(data_bytes, '\0');
}

class SafetensorsTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "weights.safetensors";

  void expect_refused(const std::string& bytes, std::initializer_list<std::string_view> mentions) {
    tests::write_bytes(path_, bytes);
    tests::expect_error<DataError>([&] { (void)read_safetensors(path_); }, mentions);
  }
};

TEST_F(SafetensorsTest, ReadsAFileOfPythonsLibraryAndGivesTheSameLogits) {
  const auto golden = tests::load_golden("pytorch.json", "safetensors");
  tests::write_bytes(path_, from_base64(golden["base64"]));
  const auto tensors = read_safetensors(path_);
  const auto hidden = hidden_widths_of(tensors, 784, 10, path_);
  EXPECT_EQ(hidden, std::vector<std::int64_t>{2});
  auto network = make_mlp(784, hidden, 10, 0);
  load_state(*network, tensors, path_);
  EXPECT_EQ(parameters_sha256(*network), golden["parameters_sha256"]);
  const auto images = torch::arange(2 * 784, torch::kFloat32).view({2, 784}) / 1568;
  const auto logits = network->forward(images);
  for (int i = 0; i < 2; ++i) {
    for (int c = 0; c < 10; ++c) {
      EXPECT_NEAR(logits[i][c].item<double>(), golden["logits"][i][c], 1e-5);
    }
  }
}

TEST_F(SafetensorsTest, WritesTheFormatAsItsDescriptionSays) {
  write_safetensors(path_, {{"a", torch::tensor({1.0F, 2.0F})}, {"b", torch::zeros({2, 3})}});
  const auto bytes = tests::read_bytes(path_);
  const auto header_bytes = static_cast<unsigned char>(bytes[0]);
  const auto header = nlohmann::json::parse(bytes.substr(8, header_bytes));
  EXPECT_EQ((8 + header_bytes) % 8, 0);
  EXPECT_EQ(header["a"]["dtype"], "F32");
  EXPECT_EQ(header["b"]["shape"], (std::vector<int>{2, 3}));
  EXPECT_EQ(header["b"]["data_offsets"], (std::vector<int>{8, 32}));
  EXPECT_EQ(bytes.size(), 8U + header_bytes + 32U);
  EXPECT_EQ(bytes.substr(8U + header_bytes, 8), std::string("\0\0\x80\x3f\0\0\0\x40", 8));
}

TEST_F(SafetensorsTest, RefusesWhatIsDamaged) {
  expect_refused("", {"only 0 bytes", "offset 0"});
  expect_refused(file_of("{}", 0).replace(0, 8, 8, '\x7f'), {"claims", "of a file of 10"});
  expect_refused(file_of("not json", 0), {"not a JSON object"});
  expect_refused(file_of("{}", 4), {"need 0 bytes", "holds 4"});
  expect_refused(file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
                 {"'w'", "[2]", "4 bytes"});
  expect_refused(file_of(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4),
                 {"need 8 bytes", "holds 4"});
  expect_refused(file_of(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
                 {"'w'", "gap"});
  expect_refused(file_of(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                         R"("v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                         4),
                 {"overlaps"});
  expect_refused(file_of(R"({"w":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}})", 4),
                 {"'w'", "F8_E5M2", "F32"});
  expect_refused(file_of(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
                 {"'w'", "impossible size"});
  expect_refused(
      file_of(R"({"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0),
      {"'w'"});
  expect_refused(file_of(R"({"w":7})", 0), {"'w'", "lacks"});
}

TEST_F(SafetensorsTest, NoFileOfACutLengthIsTaken) {
  write_safetensors(path_, {{"a", torch::rand({5, 3})}, {"b", torch::rand({4})}});
  const auto bytes = tests::read_bytes(path_);
  for (std::size_t keep = 0; keep < bytes.size(); ++keep) {
    tests::write_bytes(path_, bytes.substr(0, keep));
    EXPECT_THROW((void)read_safetensors(path_), DataError) << keep;
  }
}

TEST_F(SafetensorsTest, NamesTensorsThatDoNotFitTheModel) {
  auto network = make_mlp(784, {4}, 10, 0);
  auto tensors = named_parameters(*network);
  auto missing = tensors;
  missing.pop_back();
  tests::expect_error<DataError>([&] { load_state(*network, missing, path_); },
                                 {"linear_relu_stack.2.bias", "missing"});
  auto foreign = tensors;
  foreign.push_back({"conv1.weight", torch::zeros({1})});
  tests::expect_error<DataError>([&] { load_state(*network, foreign, path_); }, {"conv1.weight"});
  auto wider = named_parameters(*make_mlp(784, {5}, 10, 0));
  tests::expect_error<DataError>([&] { load_state(*network, wider, path_); },
                                 {"[5, 784]", "[4, 784]"});
  tests::expect_error<DataError>([&] { (void)hidden_widths_of({}, 784, 10, path_); },
                                 {"not the weights of this model"});
}

}  // namespace
}  // namespace lockstep::model
