// Checkpoints on disk: whole, checked, kept in order.
#include <algorithm>
#include <filesystem>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/weights.hpp>
#include <lockstep/train/checkpoint_folder.hpp>
#include <lockstep/train/checkpoint_writer.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Checkpoint checkpoint_of(std::int64_t steps) {
  Checkpoint checkpoint;
  checkpoint.position = {
      .steps = steps, .epoch = 3, .step_of_epoch = 1, .epoch_samples = 64, .epoch_loss = 1.0 / 3.0};
  checkpoint.position.early_stop = {
      .metric = "test/avg_loss", .value = 0.1, .steps = 4, .worse_in_a_row = 2, .counted_steps = 8};
  checkpoint.settings = {{"lr", 0.1}, {"hidden", {8, 4}}};
  checkpoint.tensors = {{"a.weight", torch::arange(6, torch::kFloat32).view({2, 3})},
                        {"optimizer.exp_avg.a.weight", torch::full({2, 3}, 0.5)}};
  return checkpoint;
}

const Log& quiet() {
  static const Log log(Log::Level::kWarning);
  return log;
}

TEST(Checkpoint, ComesBackBitForBit) {
  const tests::TemporaryFolder folder;
  const auto written = checkpoint_of(938);
  write_checkpoint(folder / "c.safetensors", written);
  const auto read = read_checkpoint(folder / "c.safetensors");
  EXPECT_EQ(read.position, written.position);
  EXPECT_EQ(read.settings, written.settings);
  ASSERT_EQ(read.tensors.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.tensors[i].name, written.tensors[i].name);
    EXPECT_TRUE(read.tensors[i].value.equal(written.tensors[i].value));
  }
  // Anybody who wants the weights alone gets them.
  const auto parameters = model::read_parameters(folder / "c.safetensors");
  ASSERT_EQ(parameters.size(), 1U);
  EXPECT_EQ(parameters[0].name, "a.weight");
}

TEST(Checkpoint, WeightsAloneAreNone) {
  const tests::TemporaryFolder folder;
  model::write_safetensors(folder / "w.safetensors", checkpoint_of(1).tensors);
  tests::expect_error<DataError>([&] { (void)read_checkpoint(folder / "w.safetensors"); },
                                 {"w.safetensors", "no position", "(init_from)"});
}

/// Every prefix of each kind of length, and single flipped bits all over the file.
TEST(Checkpoint, EveryCutAndEveryFlippedBitIsFound) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "c.safetensors";
  write_checkpoint(path, checkpoint_of(938));
  const auto good = tests::read_bytes(path);
  const auto expect_refused = [&](const std::string& bytes, const std::string& how) {
    tests::write_bytes(path, bytes);
    try {
      (void)read_checkpoint(path);
      ADD_FAILURE() << how << " was not noticed";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path.string())) << how;
    }
  };
  for (std::size_t length = 0; length < good.size(); ++length) {
    expect_refused(good.substr(0, length), "a cut at " + std::to_string(length));
  }
  expect_refused(good + '\0', "a byte too many");
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (unsigned bit = 0; bit < 8; bit += byte % 2 == 0 ? 1 : 3) {
      auto bytes = good;
      bytes[byte] = static_cast<char>(static_cast<unsigned char>(bytes[byte]) ^ (1U << bit));
      expect_refused(bytes, "bit " + std::to_string(bit) + " of byte " + std::to_string(byte));
    }
  }
  tests::write_bytes(path, good);
  EXPECT_NO_THROW((void)read_checkpoint(path));
}

TEST(Checkpoint, SaysWhatDiffers) {
  const nlohmann::ordered_json theirs = {{"lr", 0.1}, {"hidden", {8, 4}}, {"tail", "pad"}};
  EXPECT_EQ(describe_differences(theirs, theirs, {}), "");
  EXPECT_EQ(describe_differences(theirs, {{"lr", 0.2}, {"hidden", {8, 4}}, {"loss", "mse"}}, {}),
            "lr is 0.1 there and 0.2 here; loss is absent there and \"mse\" here");
}

TEST(Checkpoint, IsOneWithTheDefaultOfAnOptionThatItsVersionDidNotHave) {
  const nlohmann::ordered_json theirs = {{"lr", 0.1}};
  const nlohmann::ordered_json defaults = {{"lr", 7}, {"model", "mlp"}};
  EXPECT_EQ(describe_differences(theirs, {{"lr", 0.1}, {"model", "mlp"}}, defaults), "");
  EXPECT_EQ(describe_differences(theirs, {{"lr", 0.1}, {"model", "cnn"}}, defaults),
            "model is \"mlp\" there and \"cnn\" here");
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(CheckpointFolder, KeepsTheNewestAndPointsToTheLast) {
  const tests::TemporaryFolder run;
  const CheckpointFolder folder(run.path());
  for (const std::int64_t step : {10, 20, 30, 40}) folder.save(checkpoint_of(step), 2);
  EXPECT_THAT(names_in(run / "checkpoints"),
              ElementsAre("latest", "step-00000030.safetensors", "step-00000040.safetensors"));
  EXPECT_EQ(fs::read_symlink(run / "checkpoints/latest"), "step-00000040.safetensors");
  EXPECT_EQ(folder.read_newest(quiet())->position.steps, 40);
  // A run that goes on from an earlier point leaves what is ahead of it alone until it gets there.
  folder.save(checkpoint_of(25), 2);
  EXPECT_THAT(names_in(run / "checkpoints"),
              ElementsAre("latest", "step-00000025.safetensors", "step-00000030.safetensors",
                          "step-00000040.safetensors"));
  EXPECT_EQ(folder.read_newest(quiet())->position.steps, 25);
}

TEST(CheckpointFolder, FallsBackToTheOneBefore) {
  const tests::TemporaryFolder run;
  const CheckpointFolder folder(run.path());
  EXPECT_FALSE(folder.read_newest(quiet()).has_value());
  for (const std::int64_t step : {10, 20, 30}) folder.save(checkpoint_of(step), 3);
  const auto cut = [&](std::int64_t step) {
    fs::resize_file(folder.path_of(step), fs::file_size(folder.path_of(step)) / 2);
  };
  cut(30);
  EXPECT_EQ(folder.read_newest(quiet())->position.steps, 20);
  fs::remove(run / "checkpoints/latest");
  EXPECT_EQ(folder.read_newest(quiet())->position.steps, 20);
  cut(20);
  cut(10);
  tests::expect_error<DataError>([&] { (void)folder.read_newest(quiet()); },
                                 {"no checkpoint", "step-00000030", "step-00000010"});
}

/// A write for which there is room once `needed` files are gone.
class TightDisk {
 public:
  TightDisk(fs::path folder, std::size_t most_files)
      : folder_(std::move(folder)), most_files_(most_files) {}
  void operator()() const {
    const auto names = names_in(folder_);
    const auto files = std::count_if(names.begin(), names.end(),
                                     [](const std::string& name) { return name != "latest"; });
    if (static_cast<std::size_t>(files) >= most_files_) throw NoSpaceLeft("full");
    tests::write_bytes(folder_ / "step-00000099.safetensors", "new");
  }

 private:
  fs::path folder_;
  std::size_t most_files_;
};

TEST(CheckpointFolder, MakesRoomFromTheOldestOnButKeepsTheNewestGoodOne) {
  const tests::TemporaryFolder run;
  const CheckpointFolder folder(run.path());
  for (const std::int64_t step : {10, 20, 30}) folder.save(checkpoint_of(step), 3);
  const TightDisk for_three(run / "checkpoints", 3);
  EXPECT_EQ(folder.make_room_for(for_three), 1);
  EXPECT_THAT(names_in(run / "checkpoints"),
              ElementsAre("latest", "step-00000020.safetensors", "step-00000030.safetensors",
                          "step-00000099.safetensors"));
  fs::remove(run / "checkpoints/step-00000099.safetensors");
  const TightDisk for_none(run / "checkpoints", 0);
  EXPECT_THROW(folder.make_room_for(for_none), NoSpaceLeft);
  EXPECT_THAT(names_in(run / "checkpoints"), ElementsAre("latest", "step-00000030.safetensors"));
  EXPECT_EQ(folder.make_room_for([] {}), 0);
}

TEST(CheckpointFolder, KeepsAnOlderOneIfTheNewestIsDamaged) {
  const tests::TemporaryFolder run;
  const CheckpointFolder folder(run.path());
  for (const std::int64_t step : {10, 20, 30}) folder.save(checkpoint_of(step), 3);
  fs::resize_file(folder.path_of(30), 100);
  EXPECT_THROW(folder.make_room_for(TightDisk(run / "checkpoints", 0)), NoSpaceLeft);
  EXPECT_THAT(names_in(run / "checkpoints"), ElementsAre("latest", "step-00000020.safetensors"));
  fs::resize_file(folder.path_of(20), 100);
  EXPECT_THROW(folder.make_room_for(TightDisk(run / "checkpoints", 0)), NoSpaceLeft);
  EXPECT_THAT(names_in(run / "checkpoints"), ElementsAre("latest", "step-00000020.safetensors"));
}

TEST(CheckpointFolder, ChecksTheFolderThatItIsGiven) {
  const tests::TemporaryFolder run;
  CheckpointFolder(run.path()).save(checkpoint_of(10), 3);
  fs::rename(run / "checkpoints", run / "copies");
  EXPECT_FALSE(CheckpointFolder(run.path()).read_newest(quiet()));
  EXPECT_EQ(CheckpointFolder::at(run / "copies").read_newest(quiet())->position.steps, 10);
}

TEST(CheckpointFolder, TakesAwayHalfWrittenFiles) {
  const tests::TemporaryFolder run;
  const CheckpointFolder folder(run.path());
  folder.save(checkpoint_of(10), 3);
  tests::write_bytes(run / "checkpoints/step-00000020.safetensors.77.part", "half");
  folder.remove_leftovers();
  EXPECT_THAT(names_in(run / "checkpoints"), ElementsAre("latest", "step-00000010.safetensors"));
}

TEST(CheckpointWriter, TellsOfSuccessAndFailureAndGoesOn) {
  const tests::TemporaryFolder run;
  CheckpointWriter writer(CheckpointFolder(run.path()), 3);
  EXPECT_THAT(writer.poll(), IsEmpty());
  writer.save(checkpoint_of(10));
  auto events = writer.finish();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].step, 10);
  EXPECT_THAT(events[0].failure, IsEmpty());
  EXPECT_TRUE(fs::exists(events[0].path));
  EXPECT_THAT(writer.finish(), IsEmpty());

  fs::rename(run / "checkpoints", run / "away");
  tests::write_bytes(run / "checkpoints", "in the way");
  writer.save(checkpoint_of(20));
  events = writer.finish();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_THAT(events[0].failure, HasSubstr("checkpoints"));
  EXPECT_EQ(writer.failure(), events[0].failure);

  fs::remove(run / "checkpoints");
  fs::rename(run / "away", run / "checkpoints");
  writer.save(checkpoint_of(30));
  writer.save(checkpoint_of(40));  // waits for the one before
  events = writer.poll();
  for (auto& event : writer.finish()) events.push_back(std::move(event));
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].step, 30);
  EXPECT_EQ(events[1].step, 40);
  EXPECT_THAT(writer.failure(), IsEmpty());
}

TEST(CheckpointWriter, FinishTellsOfEverySaveAndKnowsTheLast) {
  const tests::TemporaryFolder run;
  CheckpointWriter writer(CheckpointFolder(run.path()), 3);
  for (const int step : {10, 20, 30}) writer.save(checkpoint_of(step));
  const auto events = writer.finish();
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2].step, 30);
  EXPECT_THAT(writer.failure(), IsEmpty());

  fs::remove_all(run / "checkpoints");
  tests::write_bytes(run / "checkpoints", "in the way");
  for (const int step : {40, 50}) writer.save(checkpoint_of(step));
  const auto failed = writer.finish();
  ASSERT_THAT(failed, SizeIs(2));
  EXPECT_EQ(writer.failure(), failed[1].failure);
  EXPECT_THAT(writer.failure(), HasSubstr("checkpoints"));
}

}  // namespace
}  // namespace lockstep::train
