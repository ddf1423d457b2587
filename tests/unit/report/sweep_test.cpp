// Reading a sweep's folder: what is there, what is damaged, what failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/report/sweep.hpp>

#include "temporary_folder.hpp"

namespace lockstep::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using tests::TemporaryFolder;
using tests::write_bytes;

nlohmann::json step_document(int ranks) {
  nlohmann::json rows;
  for (int rank = 0; rank < ranks; ++rank) {
    rows.push_back({{"rank", rank},
                    {"host", "node" + std::to_string(rank)},
                    {"data_ms", 1},
                    {"forward_ms", 2 + rank},
                    {"backward_ms", 3},
                    {"communication_ms", 0.5},
                    {"exposed_communication_ms", 0.5},
                    {"wait_for_slowest_ms", 0.25 * rank},
                    {"optimizer_ms", 0.5},
                    {"step_ms", 7}});
  }
  return {{"schema", 1},
          {"results",
           {{"step_ms", 7},
            {"step_ms_p50", 6.9},
            {"step_ms_p95", 8},
            {"step_ms_p99", 9},
            {"images_per_second", 1000},
            {"ranks", rows},
            {"step_ms_series", {7, 7}},
            {"losses", {2.3}},
            {"configuration",
             {{"ranks", ranks},
              {"nodes", ranks},
              {"independent", false},
              {"device", "cpu"},
              {"device_name", "a CPU"},
              {"threads", 1},
              {"batch_size", 64},
              {"global_batch_size", 64 * ranks},
              {"accumulate_steps", 1},
              {"gradient_bytes", 400},
              {"overlap", false},
              {"synthetic", true},
              {"hidden", {512, 256}},
              {"optimizer", "sgd"},
              {"precision", "fp32"},
              {"backend", "auto"},
              {"node_shared", true},
              {"virtual_shards", 0},
              {"openblas_kernels", nullptr},
              {"version", "0.1.0"},
              {"git_revision", "abc"}}}}}};
}

std::string message_of(const TemporaryFolder& folder) {
  try {
    (void)read_sweep(folder.path());
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Sweep, HoldsRepeatsOfOnePointTogether) {
  const TemporaryFolder folder;
  write_bytes(folder / "a-1.json", step_document(2).dump());
  write_bytes(folder / "a-2.json", step_document(2).dump());
  write_bytes(folder / "b-1.json", step_document(1).dump());
  write_bytes(folder / "report.json", "a report of before");
  write_bytes(folder / "notes.txt", "not JSON");
  const auto sweep = read_sweep(folder.path());
  EXPECT_TRUE(is_sweep(folder.path()));
  ASSERT_THAT(sweep.steps, SizeIs(2));
  const auto& [settings, runs] = *sweep.steps.rbegin();
  EXPECT_EQ(settings.ranks, 2);
  EXPECT_EQ(settings.hidden, "512,256");
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_DOUBLE_EQ(runs[0].parts.forward, 2.5);  // the ranks' mean
  EXPECT_DOUBLE_EQ(runs[0].ranks[1].busy_ms, 1 + 3 + 3 + 0.5);
  EXPECT_FALSE(sweep.one_node);
  EXPECT_FALSE(sweep.plan);
}

TEST(Sweep, TakesTheMedianOfAllReducesAndKeepsFailures) {
  const TemporaryFolder folder;
  for (const int microseconds : {10, 90, 20}) {
    const nlohmann::json document = {
        {"schema", 1},
        {"ranks", 2},
        {"nodes", 1},
        {"results", {{{"bytes", 1024}, {"time_us_p50", microseconds}, {"busbw_gb_per_s", 1}}}}};
    write_bytes(folder / ("allreduce-" + std::to_string(microseconds) + ".json"), document.dump());
  }
  write_bytes(folder / "together-np4-1.json",
              R"({"schema": 1, "failed": {"what": "step", "ranks": 4, "global_batch_size": 256,
                  "hidden": "512,512", "exit_code": 137, "error": "killed"}})");
  write_bytes(folder / "sweep.json",
              R"({"schema": 1, "weak_batch_sizes": [64], "strong_global_batch_sizes": []})");
  const auto sweep = read_sweep(folder.path());
  ASSERT_THAT(sweep.all_reduces, SizeIs(1));
  EXPECT_EQ(sweep.all_reduces[0].microseconds, 20);
  ASSERT_THAT(sweep.failed, SizeIs(1));
  EXPECT_EQ(sweep.failed[0].exit_code, 137);
  EXPECT_EQ(sweep.failed[0].global_batch_size, 256);
  ASSERT_TRUE(sweep.plan);
  EXPECT_THAT(sweep.plan->strong_global_batch_sizes, SizeIs(0));
}

TEST(Sweep, DamageIsNamedWithItsFile) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of(folder), AllOf(HasSubstr(folder.path()), HasSubstr("launch/scaling.sh")));
  const auto says = [&](const std::string& content, const std::string& what) {
    write_bytes(folder / "x.json", content);
    EXPECT_THAT(message_of(folder),
                AllOf(HasSubstr((folder / "x.json").string()), HasSubstr(what)));
  };
  says("", "no valid JSON at byte 1");
  says(step_document(1).dump().substr(0, 200), "no valid JSON at byte 201");
  says("[1]", "it has no schema");
  says("{}", "it has no schema");
  says(R"({"schema": 2, "results": {}})", "schema 2, and this version reads schema 1");
  says(R"({"schema": 1, "results": {}})", "not a result of this version's lockstep bench");
  auto text_for_number = step_document(1);
  text_for_number["results"]["step_ms"] = "seven";
  says(text_for_number.dump(), "not a result of this version's lockstep bench");
  EXPECT_THROW((void)read_sweep(folder / "nowhere"), DataError);
}

}  // namespace
}  // namespace lockstep::report
