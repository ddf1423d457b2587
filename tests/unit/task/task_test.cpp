#include <algorithm>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "cifar_bytes.hpp"
#include "expect_error.hpp"
#include "idx_bytes.hpp"
#include "npy_bytes.hpp"
#include "picture_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::task {
namespace {

void set(Task& task, const std::string& option, const std::string& value) {
  const options::OptionTable table = {{"Network", task.network_options()}};
  ASSERT_TRUE(options::find_option(table, option)->binding.set(value));
}

model::Weights weights_of(Task& task, model::SafetensorsMetadata metadata) {
  const auto network = task.make_network(data::fashion_mnist_spec());
  return {.path = "w.safetensors",
          .tensors = model::named_state(*network),
          .metadata = std::move(metadata)};
}

TEST(Task, ADescriptionMakesTheSameNetworkAgain) {
  BuiltinTask trained;
  set(trained, "hidden", "7,5");
  EXPECT_EQ(describe(trained).dump(),
            R"({"name":"lockstep","configuration":{"model":"mlp","hidden":[7,5]}})");
  const auto weights = weights_of(trained, {{kTaskEntry, describe(trained).dump()}});

  BuiltinTask read;
  configure_for(read, weights, data::fashion_mnist_spec());
  EXPECT_EQ(describe(read), describe(trained));
  const auto network = read.make_network(data::fashion_mnist_spec());
  model::load_state(*network, weights.tensors, weights.path);
  EXPECT_EQ(model::named_state(*network).size(), 6U);
}

TEST(Task, WeightsWithoutADescriptionAreRecognised) {
  BuiltinTask trained;
  set(trained, "hidden", "7,5");
  BuiltinTask read;
  configure_for(read, weights_of(trained, {}), data::fashion_mnist_spec());
  EXPECT_EQ(describe(read), describe(trained));
}

TEST(Task, EveryNetworkIsRecognisedWhateverWrappersPutBeforeItsNames) {
  BuiltinTask trained;
  set(trained, "model", "cnn");
  for (const std::string prefix : {"", "module.", "_orig_mod.module."}) {
    auto weights = weights_of(trained, {});
    for (auto& tensor : weights.tensors) tensor.name.insert(0, prefix);
    BuiltinTask read;
    configure_for(read, weights, data::fashion_mnist_spec());
    EXPECT_EQ(describe(read), describe(trained)) << prefix;
    const auto network = read.make_network(data::fashion_mnist_spec());
    EXPECT_TRUE(model::fits(weights, *network));
    EXPECT_EQ(model::load_weights(*network, weights).size(), prefix.empty() ? 0U : 1U);
    for (const auto& [name, value] : model::named_state(*network)) {
      const auto theirs =
          std::find_if(weights.tensors.begin(), weights.tensors.end(),
                       [&, &name = name](const auto& one) { return one.name == prefix + name; });
      EXPECT_TRUE(theirs->value.equal(value)) << name;
    }
    weights.tensors.pop_back();
    EXPECT_FALSE(model::fits(weights, *network));
  }
}

TEST(Task, DescriptionsThatDoNotFitAreRefused) {
  const auto refuse = [](const std::string& text,
                         std::initializer_list<std::string_view> mentions) {
    BuiltinTask task;
    const auto weights = weights_of(task, {{kTaskEntry, text}});
    tests::expect_error<DataError>(
        [&] { configure_for(task, weights, data::fashion_mnist_spec()); }, mentions);
  };
  for (const char* text :
       {"", "{", "[]", "3", "{}", R"({"name":"lockstep"})", R"({"name":3,"configuration":{}})",
        R"({"name":"lockstep","configuration":3})", R"({"name":"lockstep","configuration":[]})"}) {
    refuse(text, {"w.safetensors", kTaskEntry});
  }
  refuse(R"({"name":"sines","configuration":{}})", {"w.safetensors", "'sines'", "'lockstep'"});
  refuse(R"({"name":"lockstep","configuration":{"model":"vit"}})", {"w.safetensors", "vit"});
  refuse(R"({"name":"lockstep","configuration":{"depth":3}})", {"w.safetensors", "depth"});
  for (const char* files : {"3", "[1]", R"({"model":7})"}) {
    refuse(R"({"name":"lockstep","configuration":{},"files":)" + std::string(files) + "}",
           {"w.safetensors", "digests"});
  }
  for (const char* hidden : {R"("x")", R"({"a":1})", "[[1]]", "-3", "[0]", "[1e300]"}) {
    refuse(R"({"name":"lockstep","configuration":{"hidden":)" + std::string(hidden) + "}}",
           {"w.safetensors", "hidden"});
  }
}

TEST(Task, WeightsOfOtherSamplesAreRefused) {
  BuiltinTask task;
  auto samples = data::fashion_mnist_spec();
  samples.target = data::ClassTarget{.classes = 11};
  const auto refuse = [&](const std::string& text,
                          std::initializer_list<std::string_view> mentions) {
    const auto weights = weights_of(task, {{kSamplesEntry, text}});
    tests::expect_error<DataError>(
        [&] { configure_for(task, weights, data::fashion_mnist_spec()); }, mentions);
  };
  refuse(data::to_json(samples).dump(), {"w.safetensors", "11 classes", "10 classes"});
  refuse("{}", {"w.safetensors", kSamplesEntry});
}

class BuiltinDataTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  BuiltinTask task_;

  void set_data(const std::string& option, const std::string& value) {
    const options::OptionTable table = {{"Data", task_.data_options()}};
    ASSERT_TRUE(options::find_option(table, option)->binding.set(value));
  }
  [[nodiscard]] std::string recorded(const std::string& option) {
    const options::OptionTable table = {{"Data", task_.data_options()}};
    return options::find_option(table, option)->binding.get().get<std::string>();
  }
  void write_arrays() {
    for (const std::string split : {"train", "test"}) {
      tests::write_bytes(folder_ / (split + "_inputs.npy"),
                         tests::npy<float>("<f4", "(2, 3)", {0, 1, 2, 3, 4, 5}));
      tests::write_bytes(folder_ / (split + "_targets.npy"),
                         tests::npy<std::int64_t>("<i8", "(2,)", {0, 1}));
    }
  }
};

TEST_F(BuiltinDataTest, AFolderSaysWhatItHolds) {
  set_data("data-dir", folder_.path().string());
  tests::expect_error<DataError>([&] { (void)task_.open_data(); },
                                 {folder_.path().string(), "FashionMNIST", "train_inputs.npy"});
  write_arrays();
  EXPECT_EQ(task_.open_data()->shape().spec().outputs(), 2);
  task_.resolve_data(folder_.path().string());
  EXPECT_EQ(recorded("dataset"), "npy");
  tests::write_dataset(folder_.path(), 20, 10);
  EXPECT_EQ(task_.open_data()->shape().spec().outputs(), 2) << "named from now on";
  set_data("dataset", "fashion-mnist");
  EXPECT_EQ(task_.open_data()->shape().train_samples(), 20);
}

TEST_F(BuiltinDataTest, IdxFilesAreToldByWhatIsInThem) {
  const auto path = folder_.path().string();
  set_data("data-dir", path);
  const auto kind = [&] {
    set_data("dataset", "auto");
    task_.resolve_data(path);
    return recorded("dataset");
  };
  const auto write_labels = [&](std::uint32_t classes) {
    for (const std::string split : {"train", "t10k"}) {
      auto labels = tests::idx_header({60});
      for (std::uint32_t i = 0; i < 60; ++i) labels.push_back(static_cast<char>(i % classes));
      tests::write_bytes(folder_ / (split + "-labels-idx1-ubyte"), labels);
    }
  };
  tests::write_dataset(folder_.path(), 60, 60);
  EXPECT_EQ(kind(), "fashion-mnist");
  EXPECT_TRUE(task_.open_data()->known());
  write_labels(47);
  EXPECT_EQ(kind(), "idx");
  EXPECT_EQ(task_.open_data()->shape().spec().outputs(), 47);
  EXPECT_FALSE(task_.open_data()->known());
  write_labels(10);
  EXPECT_EQ(kind(), "fashion-mnist");
  for (const std::string split : {"train", "t10k"}) {
    tests::write_bytes(folder_ / (split + "-images-idx3-ubyte"),
                       tests::idx_header({60, 14, 10}) + std::string(60 * 140, 'x'));
  }
  EXPECT_EQ(kind(), "idx");
  EXPECT_EQ(task_.open_data()->shape().spec().input.elements(), 140);
  set_data("dataset", "fashion-mnist");
  tests::expect_error<DataError>([&] { (void)task_.open_data(); },
                                 {"[N, 28, 28]", "[60, 14, 10]", "(dataset)"});
  write_arrays();
  EXPECT_EQ(kind(), "npy") << "as before there was the kind idx";
}

TEST_F(BuiltinDataTest, FilesBehindAPrefixAreIdx) {
  tests::write_dataset(folder_.path(), 20, 10);
  for (const auto* part : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::filesystem::rename(folder_ / part, folder_ / ("emnist-digits-" + std::string(part)));
  }
  set_data("data-dir", folder_.path().string());
  EXPECT_EQ(task_.open_data()->shape().train_samples(), 20);
  task_.resolve_data(folder_.path().string());
  EXPECT_EQ(recorded("dataset"), "idx");
}

TEST_F(BuiltinDataTest, CifarIsToldByItsFiles) {
  tests::write_cifar10(folder_ / "cifar-10-batches-bin", 3, 2);
  set_data("data-dir", folder_.path().string());
  const auto source = task_.open_data();
  EXPECT_EQ(source->shape().spec().outputs(), 10);
  EXPECT_EQ(source->shape().train_samples(), 15);
  task_.resolve_data(source->folder());
  EXPECT_EQ(recorded("dataset"), "cifar10");
  EXPECT_EQ(recorded("data-dir"), (folder_ / "cifar-10-batches-bin").string());

  for (const auto* name : {"train.bin", "test.bin"}) {
    tests::write_bytes(folder_ / name, tests::cifar_record({1, 42}, 1));
  }
  set_data("data-dir", folder_.path().string());
  set_data("dataset", "cifar100");
  EXPECT_EQ(task_.open_data()->shape().spec().outputs(), 100);
  std::filesystem::remove_all(folder_ / "cifar-10-batches-bin");
  set_data("dataset", "auto");
  task_.resolve_data(folder_.path().string());
  EXPECT_EQ(recorded("dataset"), "cifar100");
}

TEST_F(BuiltinDataTest, PicturesInFoldersAreKnownAndScaled) {
  const auto png = [](unsigned width) {
    return tests::bytes_of(
        tests::Png{.width = width, .samples = std::vector<std::uint8_t>(width, 7)});
  };
  for (const char* name : {"train/cat", "train/dog", "test/dog"}) {
    std::filesystem::create_directories(folder_ / name);
    tests::write_bytes(folder_ / name / "1.png", png(std::string(name) == "train/dog" ? 9 : 5));
  }
  set_data("data-dir", folder_.path().string());
  tests::expect_error<DataError>([&] { (void)task_.open_data()->shape(); },
                                 {"cat/1.png has 5 × 1", "dog/1.png has 9 × 1", "(resize)"});
  set_data("resize", "4,6");
  EXPECT_EQ(task_.open_data()->shape().spec().input.shape, (std::vector<std::int64_t>{1, 4, 6}));
  EXPECT_EQ(data::class_names(task_.open_data()->shape().spec()),
            (std::vector<std::string>{"cat", "dog"}));
  task_.resolve_data(folder_.path().string());
  EXPECT_EQ(recorded("dataset"), "pictures");
  set_data("data-dir", "/nowhere");
  tests::expect_error<DataError>([&] { (void)task_.open_data(); }, {"/nowhere/train"});
}

TEST_F(BuiltinDataTest, OnlyPicturesAreScaled) {
  set_data("resize", "4,6");
  set_data("data-dir", folder_.path().string());
  write_arrays();
  tests::expect_error<UsageError>([&] { (void)task_.open_data(); },
                                  {"--resize is for --dataset pictures", "npy"});
  set_data("dataset", "fashion-mnist");
  tests::expect_error<UsageError>([&] { (void)task_.open_data(); }, {"--resize", "fashion-mnist"});
  task_.use_synthetic_data(true);
  tests::expect_error<UsageError>([&] { (void)task_.open_data(); }, {"--resize", "--input-shape"});
  BuiltinTask without_folder;
  const options::OptionTable table = {{"Data", without_folder.data_options()}};
  ASSERT_TRUE(options::find_option(table, "dataset")->binding.set("pictures"));
  tests::expect_error<UsageError>([&] { (void)without_folder.open_data(); }, {"--data-dir DIR"});
}

TEST_F(BuiltinDataTest, ASizeIsAHeightAndAWidth) {
  const options::OptionTable table = {{"Data", task_.data_options()}};
  const auto& resize = options::find_option(table, "resize")->binding;
  EXPECT_EQ(resize.get(), nlohmann::json::array());
  for (const char* wrong : {"", "4", "4,", "4,6,8", "0,6", "4,16385", "4x6"}) {
    EXPECT_FALSE(resize.set(wrong)) << wrong;
    EXPECT_EQ(resize.get(), nlohmann::json::array()) << wrong;
  }
  EXPECT_TRUE(resize.set("4,16384"));
  EXPECT_FALSE(resize.set("5"));
  EXPECT_EQ(resize.get(), nlohmann::json({4, 16384}));
}

TEST_F(BuiltinDataTest, MadeUpDataAreAsAskedFor) {
  set_data("input-shape", "3,4,5");
  set_data("classes", "300");
  tests::expect_error<UsageError>([&] { (void)task_.open_data(); }, {"--synthetic"});
  task_.use_synthetic_data(true);
  for (const char* shape : {"16384,16384,16384,16384,16384", "4096,4096,4096"}) {
    set_data("input-shape", shape);
    tests::expect_error<UsageError>([&] { (void)task_.open_data(); }, {"exceeds 1073741824 bytes"});
  }
  set_data("input-shape", "3,4,5");
  const auto source = task_.open_data();
  const auto shape = source->shape();
  EXPECT_EQ(shape.spec().input.elements(), 60);
  EXPECT_EQ(shape.spec().outputs(), 300);
  std::vector<std::byte> block(shape.block_bytes());
  source->fill(data::Part::kTestLabels, shape.part(data::Part::kTestLabels, block));
  const auto labels = shape.test(block).targets;
  EXPECT_EQ(labels.max().item<std::int64_t>(), 299);
  EXPECT_EQ(labels.min().item<std::int64_t>(), 0);
}

}  // namespace
}  // namespace lockstep::task
