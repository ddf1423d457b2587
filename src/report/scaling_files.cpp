// The report for programs: JSON and CSV with the same schema.
#include <fmt/format.h>

#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::report {
namespace {

using nlohmann::ordered_json;

constexpr int kReportSchema = 1;

ordered_json optional_number(std::optional<double> value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

/// An end of an interval; null for a single measurement, which has none.
ordered_json interval_end(const Estimate& estimate, double end) {
  return estimate.confidence > 0 ? ordered_json(end) : ordered_json(nullptr);
}

const char* scaling_name(Scaling scaling) {
  return scaling == Scaling::kStrong ? "strong" : "weak";
}

/// The columns of the CSV file, and one point's part of the JSON document.
ordered_json point_json(const Series& series, const ScalingPoint& point) {
  const auto& settings = point.settings;
  return {
      {"status", "measured"},
      {"scaling", scaling_name(series.scaling)},
      {"hidden", series.hidden},
      {"ranks", settings.ranks},
      {"nodes", settings.nodes},
      {"threads_per_rank", settings.threads},
      {"batch_size_per_rank", settings.batch_size},
      {"global_batch_size", settings.global_batch_size},
      {"repeats", point.repeats},
      {"images_per_second", point.images_per_second.median},
      {"images_per_second_low", interval_end(point.images_per_second, point.images_per_second.low)},
      {"images_per_second_high",
       interval_end(point.images_per_second, point.images_per_second.high)},
      {"speed_up", point.speed_up.median},
      {"efficiency", point.efficiency.median},
      {"efficiency_low", interval_end(point.efficiency, point.efficiency.low)},
      {"efficiency_high", interval_end(point.efficiency, point.efficiency.high)},
      {"interval_confidence", point.efficiency.confidence},
      {"speed_up_against_all_cores", optional_number(point.speed_up_against_all_cores)},
      {"step_ms", point.step_ms},
      {"step_ms_p50", point.step_ms_p50},
      {"step_ms_p95", point.step_ms_p95},
      {"step_ms_p99", point.step_ms_p99},
      {"data_ms", point.parts.data},
      {"forward_ms", point.parts.forward},
      {"backward_ms", point.parts.backward},
      {"communication_ms", point.parts.communication},
      {"exposed_communication_ms", point.parts.exposed_communication},
      {"optimizer_ms", point.parts.optimizer},
      {"wait_for_slowest_ms", point.parts.wait_for_slowest},
      {"communication_hidden", optional_number(point.hidden_communication())},
      {"lost_smaller_batches_ms", optional_number(point.lost.smaller_batches)},
      {"lost_shared_machine_ms", optional_number(point.lost.shared_machine)},
      {"lost_wait_for_slowest_ms", point.lost.wait_for_slowest},
      {"lost_communication_ms", point.lost.communication},
      {"lost_rest_ms", point.lost.rest},
      {"losses", loss_check_name(point.loss_check)},
      {"worst_relative_loss_error", point.worst_loss_error},
      {"noisy", point.noisy},
      {"exit_code", 0},
      {"error", ""}};
}

ordered_json failed_json(const FailedRun& failed) {
  return {{"status", "failed"},
          {"what", failed.what},
          {"file", failed.file},
          {"hidden", failed.hidden},
          {"ranks", failed.ranks},
          {"batch_size_per_rank", failed.batch_size},
          {"global_batch_size", failed.global_batch_size},
          {"exit_code", failed.exit_code},
          {"error", failed.error}};
}

ordered_json predicted_json(const Predicted& predicted) {
  return {{"value", predicted.value}, {"low", predicted.low}, {"high", predicted.high}};
}

ordered_json prediction_json(const ScalingPrediction& one) {
  return {{"ranks", one.ranks},
          {"batch_size_per_rank", one.batch_size},
          {"compute_ms", one.compute_ms},
          {"all_reduce_ms", one.all_reduce_ms},
          {"all_reduce_ms_low", one.all_reduce_ms_low},
          {"all_reduce_ms_high", one.all_reduce_ms_high},
          {"step_ms", predicted_json(one.step_ms)},
          {"images_per_second", predicted_json(one.images_per_second)},
          {"efficiency", predicted_json(one.efficiency)},
          {"beyond_checked_ranks", one.beyond_ranks},
          {"beyond_measured_batches", one.beyond_batches},
          {"least_batch_size_per_rank_for_90_percent",
           one.least_good_batch ? ordered_json(*one.least_good_batch) : ordered_json(nullptr)}};
}

ordered_json model_json(const ScalingModel& model) {
  ordered_json checked = ordered_json::array();
  for (const auto& point : model.checked) {
    checked.push_back({{"ranks", point.ranks},
                       {"measured_step_ms", point.measured_ms},
                       {"predicted_step_ms", point.predicted_ms}});
  }
  const auto& all_reduce = model.all_reduce;
  return {{"all_reduce",
           {{"algorithm", algorithm_name(all_reduce.algorithm)},
            {"alpha_us", all_reduce.alpha_us},
            {"beta_us_per_byte", all_reduce.beta_us_per_byte},
            {"worst_relative_error", all_reduce.worst_relative_error},
            {"fitted_ranks", {all_reduce.least_ranks, all_reduce.most_ranks}},
            {"fitted_bytes", {all_reduce.least_bytes, all_reduce.most_bytes}}}},
          {"gradient_bytes", model.gradient_bytes},
          {"compute_ms_intercept", model.compute_ms.intercept},
          {"compute_ms_per_image", model.compute_ms.slope},
          {"measured_batch_sizes", {model.least_batch, model.most_batch}},
          {"shared_machine_factor", model.shared_machine},
          {"wait_share", model.wait_share},
          {"communication_hidden", model.hidden},
          {"worst_relative_error", model.worst_error},
          {"checked", std::move(checked)}};
}

/// Quoted as in RFC 4180.
std::string csv_cell(const ordered_json& value) {
  if (value.is_null()) return {};
  if (!value.is_string()) return value.dump();
  auto text = value.get<std::string>();
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted;
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return fmt::format("\"{}\"", quoted);
}

}  // namespace

ordered_json scaling_json(const ScalingReport& report) {
  ordered_json all = ordered_json::array();
  for (const auto& one : report.series) {
    ordered_json points = ordered_json::array();
    for (const auto& point : one.series.points) points.push_back(point_json(one.series, point));
    ordered_json predictions = ordered_json::array();
    for (const auto& prediction : one.predictions) {
      predictions.push_back(prediction_json(prediction));
    }
    all.push_back({{"title", one.series.title()},
                   {"scaling", scaling_name(one.series.scaling)},
                   {"points", std::move(points)},
                   {"model", one.model ? model_json(*one.model) : ordered_json(nullptr)},
                   {"predictions", std::move(predictions)}});
  }
  ordered_json times = ordered_json::array();
  for (const auto& time : report.sweep.all_reduces) {
    times.push_back({{"ranks", time.ranks},
                     {"bytes", time.bytes},
                     {"time_us_p50", time.microseconds},
                     {"busbw_gb_per_s", time.busbw_gb_per_s}});
  }
  ordered_json failed = ordered_json::array();
  for (const auto& run : report.sweep.failed) failed.push_back(failed_json(run));
  return {{"schema", kReportSchema},
          {"series", std::move(all)},
          {"all_reduce", std::move(times)},
          {"failed", std::move(failed)}};
}

std::string scaling_csv(const ScalingReport& report) {
  std::string text = "schema";
  const auto columns = point_json({}, {});
  for (const auto& [name, value] : columns.items()) text += fmt::format(",{}", name);
  text += "\n";
  const auto add = [&](const ordered_json& point) {
    text += fmt::format("{}", kReportSchema);
    for (const auto& [name, value] : columns.items()) {
      text += ',';
      if (point.contains(name)) text += csv_cell(point.at(name));
    }
    text += "\n";
  };
  for (const auto& one : report.series) {
    for (const auto& point : one.series.points) add(point_json(one.series, point));
  }
  for (const auto& run : report.sweep.failed) add(failed_json(run));
  return text;
}

}  // namespace lockstep::report
