#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <lockstep/base/version.hpp>
#include <lockstep/report/run_page.hpp>

#include "page.hpp"
#include "run_plots.hpp"

namespace lockstep::report {
namespace {

std::string answer(const Run& run) {
  if (run.test.empty()) return fmt::format("{}: {}.", run.name, run.status);
  const auto& last = run.test.back();
  return fmt::format(
      "{}: test {}average loss {:.4f} after epoch {}, {} steps and {:.1f} s of training on {} "
      "rank{} ({}).",
      run.name,
      std::isnan(last.accuracy) ? std::string()
                                : fmt::format("accuracy {:.2f} %, ", 100 * last.accuracy),
      last.average_loss, last.epoch, run.steps_done, run.seconds, run.world_size(),
      run.world_size() == 1 ? "" : "s", run.status);
}

std::string matrix(const Classification& all) {
  std::string text =
      "<div class=\"table\"><table class=\"matrix\"><tr><th>label ↓, predicted →</th>";
  for (const auto& name : all.classes) text += fmt::format("<th>{}</th>", html_escaped(name));
  text += "</tr>\n";
  for (std::size_t label = 0; label < all.classes.size(); ++label) {
    text += fmt::format("<tr><th>{}</th>", html_escaped(all.classes[label]));
    const auto whole = std::max<std::int64_t>(all.of_label(label), 1);
    for (const auto count : all.confusion[label]) {
      const double share = static_cast<double>(count) / static_cast<double>(whole);
      text += fmt::format("<td style=\"background:rgba(0,114,178,{:.2f});color:{}\">{}</td>", share,
                          share > 0.55 ? "#fff" : "#1a1a1a", count);
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string mistakes(const Classification& all) {
  std::string text = "<div class=\"mistakes\">\n";
  for (const auto& mistake : all.mistakes) {
    const auto picture =
        mistake.png_base64.empty()
            ? std::string()
            : fmt::format("<img alt=\"test image {}\" src=\"data:image/png;base64,{}\">",
                          mistake.index, html_escaped(mistake.png_base64));
    text += fmt::format("<div>{}{:.1f} % {}; is {} (no. {})</div>\n", picture,
                        100 * mistake.confidence, html_escaped(all.classes.at(mistake.predicted)),
                        html_escaped(all.classes.at(mistake.label)), mistake.index);
  }
  return text + "</div>\n";
}

std::string classes_section(const std::vector<Run>& runs) {
  const bool any = std::any_of(runs.begin(), runs.end(),
                               [](const Run& run) { return run.classification.has_value(); });
  if (!any) return paragraph("No run has a predictions.json yet: only completed runs do.", "small");
  auto text = "<h2>Classes</h2>\n" + as_html(classes_table(runs));
  for (const auto& run : runs) {
    if (!run.classification) continue;
    const auto of_run = runs.size() == 1 ? std::string() : fmt::format(": {}", run.name);
    text += fmt::format("<h2>Confusion matrix{}</h2>\n", html_escaped(of_run));
    text += matrix(*run.classification);
    if (run.classification->mistakes.empty()) continue;
    text += fmt::format("<h2>Most confident mistakes{}</h2>\n", html_escaped(of_run));
    text += mistakes(*run.classification);
  }
  return text;
}

std::string environment_text(const Run& run) {
  std::string text;
  for (const char* part : {"hosts", "devices", "versions", "dataset"}) {
    const auto found = run.config.find(part);
    if (found != run.config.end()) text += fmt::format("{}: {}\n", part, found->dump());
  }
  return text + fmt::format("parameters_sha256: {}\n", run.parameters_sha256);
}

std::string repeat_section(const std::vector<Run>& runs, const std::vector<std::string>& commands) {
  std::string text = "<h2>How to repeat it</h2>\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs.size() > 1) text += paragraph(runs[i].name, "");
    text += fmt::format("<pre>{}</pre>\n<pre>{}</pre>\n", html_escaped(commands.at(i)),
                        html_escaped(environment_text(runs[i])));
  }
  return text;
}

}  // namespace

std::string runs_page(const std::vector<Run>& runs, const std::vector<std::string>& commands,
                      bool plots) {
  auto page = page_head(runs.size() == 1 ? fmt::format("Run {}", runs[0].name) : "Runs");
  page += fmt::format("<h1>{}</h1>\n", runs.size() == 1 ? "Run" : "Runs");
  for (const auto& run : runs) {
    page += paragraph(answer(run), "answer");
    for (const auto& warning : run.warnings) {
      page += paragraph(fmt::format("Warning in {}: {}", run.name, warning), "wrong");
    }
  }
  page += as_html(runs_table(runs));
  page += plots ? pictures(run_plots(runs))
                : paragraph("Without plots: gnuplot could not draw them when this page was made.",
                            "small");
  page += classes_section(runs);
  page += "<h2>Options</h2>\n" + as_html(options_table(runs));
  page += repeat_section(runs, commands);
  page += paragraph(fmt::format("Page by lockstep {}.", version()), "small");
  return page + kPageEnd;
}

}  // namespace lockstep::report
