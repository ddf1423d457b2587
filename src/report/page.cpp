#include "page.hpp"

#include <fmt/format.h>

#include <lockstep/report/table.hpp>

#include "gnuplot.hpp"

namespace lockstep::report {
namespace {

// Nothing may be loaded, so that the page looks the same everywhere.
constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
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
.matrix td { text-align: center; min-width: 2.2rem; padding: .25rem .3rem; } .matrix th { font-weight: normal; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: .8rem; font-size: .78rem; line-height: 1.3; }
.mistakes img { width: 84px; height: 84px; image-rendering: pixelated; border: 1px solid #ccc; display: block; }
pre { background: #f3f5f7; padding: .7rem; overflow-x: auto; font-size: .85rem; }
.wrong { color: #a00000; font-weight: bold; }
@media print { body { max-width: none; padding: 0; } }
</style>
)";

}  // namespace

std::string page_head(const std::string& title) {
  return fmt::format("{}<title>{}</title>\n</head>\n<body>\n", kHead, html_escaped(title));
}

std::string paragraph(const std::string& text, const char* style) {
  return fmt::format("<p class=\"{}\">{}</p>\n", style, html_escaped(text));
}

std::string pictures(const std::vector<Plot>& plots) {
  std::string text = "<h2>Plots</h2>\n<div class=\"plots\">\n";
  int number = 0;
  for (const auto& plot : plots) {
    text += fmt::format("<figure>{}<figcaption><b>{}.</b> {}</figcaption></figure>\n",
                        draw_svg(plot.script, fmt::format("plot{}", ++number)),
                        html_escaped(plot.title), html_escaped(plot.caption));
  }
  return text + "</div>\n";
}

}  // namespace lockstep::report
