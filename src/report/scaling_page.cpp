#include <set>

#include <fmt/format.h>

#include <lockstep/base/version.hpp>
#include <lockstep/report/scaling_page.hpp>

#include "gnuplot.hpp"
#include "scaling_plots.hpp"

namespace lockstep::report {
namespace {

// Nothing may be loaded, so that the page shows the same anywhere.
constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Scaling of Lockstep</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; max-width: 1180px; padding: 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2rem 0 .6rem; border-bottom: 1px solid #ccc; }
.answer { font-size: 1.05rem; margin: .2rem 0; } .small { color: #555; font-size: .88rem; }
.table { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #e2e2e2; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { background: #f3f5f7; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 1.2rem; }
figure { margin: 0; break-inside: avoid; } figure svg { width: 100%; height: auto; border: 1px solid #e2e2e2; }
figcaption { font-size: .85rem; color: #444; } figcaption b { color: #1a1a1a; }
.wrong { color: #a00000; font-weight: bold; }
@media print { body { max-width: none; padding: 0; } }
</style>
</head>
<body>
)";

std::string paragraph(const std::string& text, const char* style) {
  return fmt::format("<p class=\"{}\">{}</p>\n", style, html_escaped(text));
}

/// The sentence that people came for.
std::string answer(const Series& series) {
  const auto& most = series.points.back();
  if (most.settings.ranks == 1) return {};
  const auto& lost = most.lost;
  std::pair<const char*, double> worst = {"overhead that no part explains", lost.rest};
  for (const auto& [name, value] :
       {std::pair{"smaller batches a rank", lost.smaller_batches.value_or(0)},
        std::pair{"clock and memory shared between ranks", lost.shared_machine.value_or(0)},
        std::pair{"waiting for the slowest rank", lost.wait_for_slowest},
        std::pair{"communication that is not hidden", lost.communication}}) {
    if (value > worst.second) worst = {name, value};
  }
  return fmt::format(
      "{}: {} ranks train {:.0f} images/s, {:.2f} times one rank: an efficiency of {:.0f} %{}. "
      "The largest loss is {}: {:.0f} % of a step.",
      series.title(), most.settings.ranks, most.images_per_second.median, most.speed_up.median,
      100 * most.efficiency.median, most.noisy ? " (noisy)" : "", worst.first,
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
    text += paragraph("Where a step's time goes that the ideal would not take, % of the step:", "");
    text += as_html(lost_table(one.series));
  }
  for (const auto& note : notes(one.series)) {
    text += paragraph(note, note.starts_with("WRONG") ? "wrong" : "small");
  }
  if (one.model) {
    text += as_html(prediction_table(one)) + paragraph(model_note(*one.model), "small");
  }
  return text;
}

std::string pictures(const ScalingReport& report) {
  std::string text = "<h2>Plots</h2>\n<div class=\"plots\">\n";
  int number = 0;
  for (const auto& plot : scaling_plots(report)) {
    text += fmt::format("<figure>{}<figcaption><b>{}.</b> {}</figcaption></figure>\n",
                        draw_svg(plot.script, fmt::format("plot{}", ++number)),
                        html_escaped(plot.title), html_escaped(plot.caption));
  }
  return text + "</div>\n";
}

}  // namespace

bool can_draw_plots() {
  return has_gnuplot();
}

std::string scaling_page(const ScalingReport& report, bool plots) {
  std::string page = kHead;
  page += "<h1>Scaling</h1>\n";
  for (const auto& one : report.series) {
    if (const auto text = answer(one.series); !text.empty()) page += paragraph(text, "answer");
  }
  page += paragraph(provenance(report.sweep), "small");
  page += plots
              ? pictures(report)
              : paragraph("Without plots: gnuplot was not there when this page was made.", "small");
  for (const auto& one : report.series) page += section(one);
  if (!report.sweep.failed.empty()) {
    page += fmt::format("<h2>Points that failed</h2>\n{}", as_html(failed_table(report.sweep)));
  }
  return page + "</body>\n</html>\n";
}

}  // namespace lockstep::report
