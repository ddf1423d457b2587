// Weights that other programs wrote, or wrote again.
#include <limits>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/model/mlp.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::model {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Tensors = std::vector<NamedTensor>;

const char* type_name(const torch::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat16:
      return "F16";
    case torch::kBFloat16:
      return "BF16";
    case torch::kFloat64:
      return "F64";
    case torch::kInt64:
      return "I64";
    default:
      return "F32";
  }
}

std::string length_of(const std::string& header) {
  std::string bytes(8, '\0');
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>((header.size() >> (8 * i)) & 0xffU);
  }
  return bytes;
}

/// A file as another program writes it: the tensors in the order given, the metadata last.
std::string foreign_file(const Tensors& tensors, const SafetensorsMetadata& metadata = {}) {
  Json header;
  std::string data;
  for (const auto& [name, value] : tensors) {
    const auto contiguous = value.contiguous();
    const auto begin = data.size();
    data.append(static_cast<const char*>(contiguous.data_ptr()), contiguous.nbytes());
    header[name] = {{"data_offsets", {begin, data.size()}},
                    {"shape", value.sizes().vec()},
                    {"dtype", type_name(value)}};
  }
  if (!metadata.empty()) header["__metadata__"] = metadata;
  const auto text = header.dump(1);
  return length_of(text) + text + data;
}

class WeightsTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "weights.safetensors";
  std::shared_ptr<Mlp> network_ = make_mlp(784, {4}, 10, 7);

  [[nodiscard]] Tensors tensors() const {
    Tensors copies;
    for (const auto& [name, value] : named_parameters(*network_)) {
      copies.push_back({name, value.detach().clone()});
    }
    return copies;
  }
  void write(const std::string& bytes) const { tests::write_bytes(path_, bytes); }
  void expect_refused(std::initializer_list<std::string_view> mentions) const {
    tests::expect_error<DataError>([&] { (void)make_mlp(read_weights(path_), 784, 10); }, mentions);
  }
  [[nodiscard]] SafetensorsMetadata metadata() const {
    SafetensorsMetadata found;
    (void)read_safetensors(path_, &found);
    return found;
  }
};

TEST_F(WeightsTest, SavedAgainByAnotherProgramIsNoDamage) {
  write_safetensors(path_, tensors(), {{"lockstep.note", "ä \"quoted\"\n"}});
  auto kept = metadata();
  ASSERT_EQ(kept.count(kDigestEntry), 1U);
  auto again = tensors();
  std::reverse(again.begin(), again.end());
  kept["somebody's"] = "own entry";
  write(foreign_file(again, kept));
  EXPECT_EQ(read_safetensors(path_).size(), 4U);
  EXPECT_EQ(parameters_sha256(*make_mlp(read_weights(path_), 784, 10)),
            parameters_sha256(*network_));
}

TEST_F(WeightsTest, AnotherValueNameShapeOrEntryUnderTheSameDigestIsDamage) {
  write_safetensors(path_, tensors(), {{"lockstep.note", "one"}});
  const auto kept = metadata();
  const auto expect_damage = [&](const Tensors& changed, const SafetensorsMetadata& entries) {
    write(foreign_file(changed, entries));
    expect_refused({"damaged", kDigestEntry});
  };
  auto value = tensors();
  value[1].value[2] += 1;
  expect_damage(value, kept);
  auto name = tensors();
  name[1].name += "x";
  expect_damage(name, kept);
  auto shape = tensors();
  shape[0].value = shape[0].value.t();
  shape[0].value = shape[0].value.contiguous().view({784, 4});
  expect_damage(shape, kept);
  auto type = tensors();
  type[1].value = type[1].value.to(torch::kFloat16);
  expect_damage(type, kept);
  auto fewer = tensors();
  fewer.pop_back();
  expect_damage(fewer, kept);
  auto other = kept;
  other["lockstep.note"] = "two";
  expect_damage(tensors(), other);
  other.erase("lockstep.note");
  expect_damage(tensors(), other);
  // Whoever changes weights leaves the digest out.
  other.erase(kDigestEntry);
  write(foreign_file(value, other));
  EXPECT_EQ(read_safetensors(path_).size(), 4U);
}

/// A file as versions up to now wrote it: SHA-256 of the header with zeros in the digest's place,
/// and of the values.
TEST_F(WeightsTest, TheDigestOfEarlierVersionsIsStillChecked) {
  const std::string zeros(64, '0');
  const std::string data("\0\0\x80\x3f\0\0\0\x40", 8);
  std::string header = R"({"__metadata__":{"format":"pt","lockstep.sha256":")" + zeros +
                       R"("},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  Sha256 digest;
  digest.update(as_byte_span(length_of(header)));
  digest.update(as_byte_span(header));
  digest.update(as_byte_span(data));
  header.replace(header.find(zeros), 64, to_hex(digest.finish()));
  const auto good = length_of(header) + header + data;
  write(good);
  EXPECT_EQ(read_safetensors(path_).at(0).value[1].item<float>(), 2.0F);
  EXPECT_EQ(metadata().count(kDigestEntry), 1U);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    auto damaged = good;
    damaged[byte] = static_cast<char>(static_cast<unsigned char>(damaged[byte]) ^ 1U);
    write(damaged);
    SafetensorsMetadata found;
    try {
      (void)read_safetensors(path_, &found);
      EXPECT_EQ(found.count(kDigestEntry), 0U) << byte;  // the digest's own name was hit
    } catch (const DataError&) {
      continue;
    }
  }
  // Another header is not told from damage: the entry must be left out.
  const auto spaced = header + " ";
  write(length_of(spaced) + spaced + data);
  tests::expect_error<DataError>([&] { (void)read_safetensors(path_); },
                                 {"damaged", "kept lockstep.sha256 in its metadata"});
}

TEST_F(WeightsTest, ConvertsOtherFloats) {
  for (const auto type : {torch::kFloat16, torch::kBFloat16, torch::kFloat64}) {
    auto converted = tensors();
    for (auto& tensor : converted) tensor.value = tensor.value.to(type);
    write(foreign_file(converted));
    const auto weights = read_weights(path_);
    ASSERT_EQ(weights.notes.size(), 1U);
    EXPECT_THAT(weights.notes[0], HasSubstr("of type " + element_type_name(converted[0].value) +
                                            " are converted to F32"));
    const auto loaded = make_mlp(weights, 784, 10);
    for (std::size_t i = 0; i < converted.size(); ++i) {
      EXPECT_TRUE(named_parameters(*loaded)[i].value.equal(converted[i].value.to(torch::kFloat32)));
    }
  }
  write(foreign_file(tensors()));
  EXPECT_THAT(read_weights(path_).notes, IsEmpty());
}

TEST_F(WeightsTest, IntegersAreNoWeights) {
  auto integers = tensors();
  integers[1].value = torch::ones({4}, torch::kInt64);
  write(foreign_file(integers));
  expect_refused({"'linear_relu_stack.0.bias'", "I64", "F32"});
  auto more = tensors();
  more.push_back({"norm.num_batches_tracked", torch::ones({}, torch::kInt64)});
  write(foreign_file(more));
  expect_refused({"no parameter 'norm.num_batches_tracked'"});
}

TEST_F(WeightsTest, LeavesOutWhatWrappersPutBeforeNames) {
  for (const std::string prefix :
       {"module.", "_orig_mod.", "model.", "_orig_mod.module.", "model.module._orig_mod."}) {
    auto wrapped = tensors();
    for (auto& tensor : wrapped) tensor.name.insert(0, prefix);
    write(foreign_file(wrapped));
    const auto weights = read_weights(path_);
    EXPECT_THAT(weights.notes, ElementsAre(HasSubstr("without their prefix '" + prefix + "'")));
    EXPECT_EQ(parameters_sha256(*make_mlp(weights, 784, 10)), parameters_sha256(*network_));
    wrapped[2].name = "head.weight";  // not all of them: nothing is guessed
    write(foreign_file(wrapped));
    expect_refused({"no linear_relu_stack", "'" + prefix + "linear_relu_stack.0.weight'"});
  }
  auto other = tensors();
  for (auto& tensor : other) tensor.name.insert(0, "net.");
  write(foreign_file(other));
  expect_refused({"'net.linear_relu_stack.0.weight' [4, 784]"});
}

TEST_F(WeightsTest, SaysWhichHiddenWidthsTheFileHas) {
  const auto expect = [&](const std::vector<std::int64_t>& hidden,
                          std::initializer_list<std::string_view> mentions) {
    const auto theirs = named_parameters(*make_mlp(784, hidden, 10, 0));
    tests::expect_error<DataError>([&] { load_state(*network_, theirs, path_); }, mentions);
  };
  expect({5}, {"hidden widths are 5, the model's are 4", "(hidden)"});
  expect({256, 128}, {"hidden widths are 256,128, the model's are 4", "(hidden)"});
  expect({}, {"hidden widths are none, the model's are 4"});
}

TEST_F(WeightsTest, ListsAFewOfTheNamesThatDoNotFit) {
  auto foreign = tensors();
  for (int i = 0; i < 9; ++i) foreign.push_back({"x" + std::to_string(i), torch::zeros({1})});
  foreign.erase(foreign.begin() + 2);
  tests::expect_error<DataError>([&] { load_state(*network_, foreign, path_); },
                                 {"no parameter 'x0', 'x1', 'x2', 'x3' and 5 more",
                                  "'linear_relu_stack.2.weight' is missing"});
}

TEST_F(WeightsTest, RefusesWhatIsNotFinite) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto broken = tensors();
    broken[2].value[3][1] = value;
    broken[2].value[9][0] = value;
    write(foreign_file(broken));
    expect_refused({path_.string(), "2 of the 40 elements of 'linear_relu_stack.2.weight'",
                    "the first at [3, 1]"});
  }
  auto large = tensors();
  large[1].value = large[1].value.to(torch::kFloat64);
  large[1].value[2] = 1e300;
  write(foreign_file(large));
  expect_refused({"'linear_relu_stack.0.bias'", "at [2] (1e+300)"});
}

TEST_F(WeightsTest, NamesOtherFormatsAndHowToConvertThem) {
  const auto expect = [&](const std::string& bytes, const char* what) {
    write(bytes + std::string(200, 'x'));
    expect_refused({path_.string(), what});
  };
  const auto zip = [](const std::string& name) {
    std::string bytes("PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    bytes.push_back(static_cast<char>(name.size()));
    bytes.append(3, '\0');
    bytes += name;
    return bytes;
  };
  expect(zip("archive/data.pkl"), "torch.save");
  expect(zip("archive/data.pkl"), "safetensors.torch.save_file(torch.load('");
  expect(zip("w1.npy"), "NumPy");
  expect("\x80\x02\x8a\x0al\xfc\x9c", "torch.save");
  expect(std::string("\x93NUMPY\x01\0", 8), "NumPy");
  expect("\x89HDF\r\n\x1a\n", "HDF5");
  expect(std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10), "gzip");
  expect("<!DOCTYPE html>", "web page");
  expect("version https://git-lfs.github.com/spec/v1\n", "git lfs pull");
  expect(R"({"metadata": {"total_size")", "JSON");
  // A damaged safetensors file is not taken for another: 128, its header's length, is "\x80".
  std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize(128, ' ');
  write((length_of(header) + header).substr(0, 100));
  expect_refused({"claims 128 bytes"});
}

TEST_F(WeightsTest, WaitsForNoPipe) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  expect_refused({"pipe or device"});
  tests::expect_error<DataError>([] { (void)read_weights("/dev/zero"); }, {"pipe or device"});
  tests::expect_error<DataError>([&] { (void)read_weights(folder_.path()); }, {"folder"});
}

}  // namespace
}  // namespace lockstep::model
