#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::report {
namespace {

constexpr double kPercent = 100.0;

std::string ranks_of(const ScalingPoint& point) {
  return fmt::format("{}{}", point.settings.ranks, point.noisy || point.unrepeated() ? " ~" : "");
}

std::string efficiency_text(const ScalingPoint& point) {
  const auto& share = point.efficiency;
  if (share.confidence <= 0) return fmt::format("{:.1f} [?]", kPercent * share.median);
  return share.low == share.high ? fmt::format("{:.1f}", kPercent * share.median)
                                 : fmt::format("{:.1f} [{:.1f}, {:.1f}]", kPercent * share.median,
                                               kPercent * share.low, kPercent * share.high);
}

std::string percent_of(std::optional<double> part, double whole) {
  return part ? fmt::format("{:.1f}", kPercent * *part / whole) : "–";
}

std::string predicted_text(const Predicted& predicted, double factor, int digits) {
  return fmt::format("{:.{}f} [{:.{}f}, {:.{}f}]", factor * predicted.value, digits,
                     factor * predicted.low, digits, factor * predicted.high, digits);
}

std::string fitted_ranks(const AllReduceModel& model) {
  return model.is_of_one_number_of_ranks()
             ? fmt::format("{} ranks only", model.least_ranks)
             : fmt::format("{}–{} ranks", model.least_ranks, model.most_ranks);
}

/// Sentences about the predictions marked `*`, each after a space.
std::string never_measured(const SeriesReport& report) {
  std::string ranks;
  for (const auto& one : report.predictions) {
    if (one.beyond_ranks) ranks += fmt::format("{}{}", ranks.empty() ? "" : ", ", one.ranks);
  }
  if (ranks.empty()) return {};
  auto text = fmt::format(" * never measured: an all-reduce at {} ranks.", ranks);
  if (report.model->alternatives.empty()) return text;
  const auto& last = report.predictions.back();
  return text + fmt::format(
                    " One number of ranks does not show how it grows with more, so the intervals "
                    "span the predictions of all algorithms: {:.2f} to {:.2f} times the prediction "
                    "at {} ranks. Measure at more ranks to narrow them.",
                    last.all_reduce_ms_low / last.all_reduce_ms,
                    last.all_reduce_ms_high / last.all_reduce_ms, last.ranks);
}

template <typename Heading, typename Tables, typename Paragraph>
std::string whole_document(const ScalingReport& report, Heading heading, Tables table,
                           Paragraph paragraph) {
  std::string text;
  for (const auto& one : report.series) {
    text += heading(one.series.title());
    text += table(speed_table(one.series)) + "\n" + table(time_table(one.series)) + "\n";
    if (one.series.points.size() > 1) text += table(lost_table(one.series)) + "\n";
    for (const auto& note : notes(one.series)) text += paragraph(note);
    if (one.model) {
      text += fmt::format("\n{}\n{}", table(prediction_table(one)), paragraph(model_note(one)));
    }
  }
  if (report.series.empty()) {
    text += paragraph(
        "No series: it takes measurements at one rank and at more, with the same settings.");
  }
  if (!report.sweep.failed.empty()) {
    text += heading("Points that failed") + table(failed_table(report.sweep)) + "\n";
  }
  return text;
}

}  // namespace

ScalingReport make_report(Sweep sweep, const std::vector<std::int64_t>& predicted_ranks,
                          std::optional<AllReduceAlgorithm> algorithm) {
  ScalingReport report{.sweep = std::move(sweep)};
  for (auto& series : analyse(report.sweep)) {
    SeriesReport one{.series = std::move(series)};
    one.model = fit_scaling(report.sweep, one.series, algorithm);
    if (one.model) {
      std::set<std::int64_t> ranks(predicted_ranks.begin(), predicted_ranks.end());
      ranks.insert(std::int64_t{2} * one.series.points.back().settings.ranks);
      for (const auto n : ranks) one.predictions.push_back(one.model->predict(static_cast<int>(n)));
    }
    report.series.push_back(std::move(one));
  }
  return report;
}

Table speed_table(const Series& series) {
  Table table{.head = {"ranks", "nodes × ranks", "global batch", "images/s", "speed-up",
                       "efficiency %", "vs all cores", "runs", "losses"},
              .rows = {}};
  for (const auto& point : series.points) {
    const auto& settings = point.settings;
    table.rows.push_back(
        {ranks_of(point),
         fmt::format("{} × {}", settings.nodes,
                     (settings.ranks + settings.nodes - 1) / settings.nodes),
         fmt::format("{}", settings.global_batch_size),
         fmt::format("{:.0f}", point.images_per_second.median),
         fmt::format("{:.2f}", point.speed_up.median), efficiency_text(point),
         point.speed_up_against_all_cores ? fmt::format("{:.2f}", *point.speed_up_against_all_cores)
                                          : "–",
         fmt::format("{}", point.repeats),
         point.loss_check == LossCheck::kWrong ? "WRONG" : loss_check_name(point.loss_check)});
  }
  return table;
}

Table time_table(const Series& series) {
  Table table{.head = {"ranks", "p50 ms", "p95 ms", "p99 ms", "data", "forward", "backward",
                       "exposed", "optimizer", "wait", "hidden %"},
              .rows = {}};
  for (const auto& point : series.points) {
    const auto& parts = point.parts;
    std::vector<std::string> row = {ranks_of(point)};
    for (const double value :
         {point.step_ms_p50, point.step_ms_p95, point.step_ms_p99, parts.data, parts.forward,
          parts.backward, parts.exposed_communication, parts.optimizer, parts.wait_for_slowest}) {
      row.push_back(fmt::format("{:.3f}", value));
    }
    row.push_back(percent_of(point.hidden_communication(), 1));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table lost_table(const Series& series) {
  Table table{.head = {"ranks", "efficiency %", "lost: smaller batches", "shared machine",
                       "wait for slowest", "communication", "rest"},
              .rows = {}};
  for (const auto& point : series.points) {
    if (point.settings.ranks == 1) continue;
    const auto& lost = point.lost;
    table.rows.push_back(
        {ranks_of(point), fmt::format("{:.1f}", kPercent * (1 - lost.total() / point.step_ms)),
         percent_of(lost.smaller_batches, point.step_ms),
         percent_of(lost.shared_machine, point.step_ms),
         percent_of(lost.wait_for_slowest, point.step_ms),
         percent_of(lost.communication, point.step_ms), percent_of(lost.rest, point.step_ms)});
  }
  return table;
}

Table prediction_table(const SeriesReport& report) {
  Table table{.head = {"ranks (predicted)", "batch per rank", "step ms", "images/s", "efficiency %",
                       "all-reduce ms", "least batch for 90 %"},
              .rows = {}};
  for (const auto& one : report.predictions) {
    table.rows.push_back(
        {fmt::format("{}{}{}", one.ranks, one.beyond_ranks ? " *" : "",
                     one.beyond_batches ? " †" : ""),
         fmt::format("{:g}", one.batch_size), predicted_text(one.step_ms, 1, 2),
         predicted_text(one.images_per_second, 1, 0), predicted_text(one.efficiency, kPercent, 0),
         fmt::format("{:.3f} [{:.3f}, {:.3f}]", one.all_reduce_ms, one.all_reduce_ms_low,
                     one.all_reduce_ms_high),
         one.least_good_batch ? fmt::format("{}", *one.least_good_batch) : "over 65536"});
  }
  return table;
}

Table failed_table(const Sweep& sweep) {
  Table table{.head = {"point", "what", "ranks", "exit code", "error"}, .rows = {}};
  for (const auto& failed : sweep.failed) {
    table.rows.push_back({failed.file, failed.what, fmt::format("{}", failed.ranks),
                          fmt::format("{}", failed.exit_code), failed.error});
  }
  return table;
}

std::vector<std::string> notes(const Series& series) {
  std::vector<std::string> notes = {fmt::format(
      "Speed-up and efficiency are against 1 rank with the same {} thread{}; \"vs all cores\" is "
      "against one process with all cores and the same global batch.",
      series.threads, series.threads == 1 ? "" : "s")};
  const auto& most = series.points.back();
  if (most.efficiency.confidence > 0 && most.settings.ranks > 1) {
    notes.push_back(fmt::format(
        "Medians of repeats; in brackets the interval that holds the true median with {:.0f} % "
        "confidence or more, of the two speeds that an efficiency divides.",
        kPercent * most.efficiency.confidence));
  }
  const auto any = [&](auto condition) {
    return std::any_of(series.points.begin(), series.points.end(), condition);
  };
  if (any([](const auto& point) { return point.unrepeated(); })) {
    notes.emplace_back(
        "~ [?] measured once, here or at 1 rank: the noise is unknown, so there is no interval, "
        "and a second measurement may give another answer. Repeat: launch/scaling.sh --repeats 5.");
  }
  if (any([](const auto& point) { return point.noisy; })) {
    notes.push_back(fmt::format(
        "~ noise hides the answer: the efficiency's interval is wider than {:.0f} points. Repeat "
        "more often, or on a quieter machine.",
        kPercent * kNoisyEfficiency));
  }
  if (any([](const auto& point) { return point.loss_check == LossCheck::kWrong; })) {
    notes.emplace_back(
        "WRONG: the losses are not those of one rank with the same global batch, so the results "
        "belong to another computation: do not quote them.");
  }
  return notes;
}

std::string model_note(const SeriesReport& report) {
  const auto& model = *report.model;
  const auto& all_reduce = model.all_reduce;
  std::string checked;
  for (const auto& point : model.checked) {
    checked += fmt::format("{}{} rank{}: {:.3f} ms, measured {:.3f}", checked.empty() ? "" : "; ",
                           point.ranks, point.ranks == 1 ? "" : "s", point.predicted_ms,
                           point.measured_ms);
  }
  return fmt::format(
      "Predicted from an all-reduce with the algorithm {} (α {:.2f} µs per message, {:.3f} GB/s; "
      "fitted at {}, {}–{} bytes, worst error {:.0f} %) and compute time {:.3f} ms + {:.5f} ms per "
      "image (fitted at {:g}–{:g} images per rank, worst error {:.0f} %). Checked: {}. The "
      "intervals cover the worst error of these checks, {:.0f} %, and those of the two fits.{} "
      "Ranks have their own cores or GPU; † a batch outside those measured.",
      algorithm_name(all_reduce.algorithm), all_reduce.alpha_us, all_reduce.gb_per_s(),
      fitted_ranks(all_reduce), all_reduce.least_bytes, all_reduce.most_bytes,
      kPercent * all_reduce.worst_relative_error, model.compute_ms.intercept,
      model.compute_ms.slope, model.least_batch, model.most_batch,
      kPercent * model.compute_ms.worst_relative_error, checked, kPercent * model.worst_error,
      never_measured(report));
}

std::string scaling_text(const ScalingReport& report) {
  return whole_document(
      report, [](const std::string& title) { return fmt::format("\n{}\n\n", title); }, as_text,
      [](const std::string& text) { return text + "\n"; });
}

std::string scaling_markdown(const ScalingReport& report) {
  return whole_document(
      report, [](const std::string& title) { return fmt::format("## {}\n\n", title); }, as_markdown,
      [](const std::string& text) { return text + "\n\n"; });
}

}  // namespace lockstep::report
