#include <set>

#include <fmt/format.h>

#include <lockstep/base/version.hpp>
#include <lockstep/report/scaling_page.hpp>

#include "gnuplot.hpp"
#include "page.hpp"
#include "scaling_plots.hpp"

namespace lockstep::report {
namespace {

const char* reliability(const ScalingPoint& point) {
  if (point.unrepeated()) return " (measured once)";
  return point.noisy ? " (noisy)" : "";
}

/// The sentence that people read the page for.
std::string answer(const Series& series) {
  const auto& most = series.points.back();
  if (most.settings.ranks == 1) return {};
  const auto& lost = most.lost;
  std::pair<const char*, double> worst = {"overhead that no part explains", lost.rest};
  for (const auto& [name, value] :
       {std::pair{"smaller batches per rank", lost.smaller_batches.value_or(0)},
        std::pair{"clock and memory shared between ranks", lost.shared_machine.value_or(0)},
        std::pair{"waiting for the slowest rank", lost.wait_for_slowest},
        std::pair{"communication that is not hidden", lost.communication}}) {
    if (value > worst.second) worst = {name, value};
  }
  return fmt::format(
      "{}: {} ranks train {:.0f} images/s, {:.2f} times one rank: an efficiency of {:.0f} %{}. "
      "The largest loss is {}: {:.0f} % of a step.",
      series.title(), most.settings.ranks, most.images_per_second.median, most.speed_up.median,
      100 * most.efficiency.median, reliability(most), worst.first,
      100 * worst.second / most.step_ms);
}

std::string provenance(const Sweep& sweep) {
  std::set<std::string> devices;
  std::set<std::string> versions;
  for (const auto& [settings, runs] : sweep.steps) {
    for (const auto& run : runs) {
      devices.insert(run.device_name);
      versions.insert(run.versions);
    }
  }
  std::string text;
  for (const auto& names : {devices, versions}) {
    for (const auto& name : names) text += fmt::format("{}{}", text.empty() ? "" : "; ", name);
  }
  return fmt::format("{}. Page by lockstep {}.", text, version());
}

std::string section(const SeriesReport& one) {
  auto text = fmt::format("<h2>{}</h2>\n", html_escaped(one.series.title()));
  text += as_html(speed_table(one.series)) + as_html(time_table(one.series));
  if (one.series.points.size() > 1) {
    text += paragraph("Where a step loses time against the ideal, % of the step:", "");
    text += as_html(lost_table(one.series));
  }
  for (const auto& note : notes(one.series)) {
    text += paragraph(note, note.starts_with("WRONG") ? "wrong" : "small");
  }
  if (one.model) {
    text += as_html(prediction_table(one)) + paragraph(model_note(one), "small");
  }
  return text;
}

}  // namespace

std::string why_no_plots() {
  return why_no_gnuplot();
}

std::string scaling_page(const ScalingReport& report, bool plots) {
  auto page = page_head("Scaling of Lockstep") + "<h1>Scaling</h1>\n";
  for (const auto& one : report.series) {
    if (const auto text = answer(one.series); !text.empty()) page += paragraph(text, "answer");
  }
  page += paragraph(provenance(report.sweep), "small");
  page += plots ? pictures(scaling_plots(report))
                : paragraph("Without plots: gnuplot could not draw them when this page was made.",
                            "small");
  for (const auto& one : report.series) page += section(one);
  if (!report.sweep.failed.empty()) {
    page += fmt::format("<h2>Points that failed</h2>\n{}", as_html(failed_table(report.sweep)));
  }
  return page + kPageEnd;
}

}  // namespace lockstep::report
