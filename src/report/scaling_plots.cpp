#include "scaling_plots.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "gnuplot.hpp"

namespace lockstep::report {
namespace {

/// An x axis of ranks, with a mark at each number that was measured.
std::string rank_axis(const ScalingReport& report) {
  std::map<int, bool> ranks;
  for (const auto& one : report.series) {
    for (const auto& point : one.series.points) ranks[point.settings.ranks] = true;
  }
  std::vector<std::string> marks;
  for (const auto& [rank, measured] : ranks) marks.push_back(fmt::format("'{0}' {0}", rank));
  const int most = ranks.empty() ? 1 : ranks.rbegin()->first;
  return fmt::format("set xlabel 'ranks'\nset logscale x 2\nset xrange [0.9:{}]\nset xtics ({})\n",
                     most * 1.1, joined(marks));
}

/// Medians with their intervals against ranks, one line per series, beside `ideal`.
std::string over_ranks(const ScalingReport& report, Estimate ScalingPoint::*value, double factor,
                       const std::string& ideal) {
  std::string data;
  std::vector<std::string> plots = {ideal +
                                    " with lines lw 1.5 dt 2 lc rgb '#777777' title 'ideal'"};
  for (std::size_t i = 0; i < report.series.size(); ++i) {
    std::string lines;
    const auto& series = report.series[i].series;
    for (const auto& point : series.points) {
      const auto& estimate = point.*value;
      lines += fmt::format("{} {} {} {}\n", point.settings.ranks, factor * estimate.median,
                           factor * estimate.low, factor * estimate.high);
    }
    data += named_block(i, lines);
    plots.push_back(fmt::format("$d{0} with yerrorlines {1} title {2}", i, line_style(i),
                                gnuplot_string(series.title())));
  }
  return data + rank_axis(report) + "plot " + joined(plots);
}

/// For the captions of plots with intervals.
std::string on_unrepeated(const ScalingReport& report) {
  for (const auto& one : report.series) {
    const auto& points = one.series.points;
    if (std::any_of(points.begin(), points.end(), [](const auto& p) { return p.unrepeated(); })) {
      return " Points without a bar may have been measured once: their noise is not known.";
    }
  }
  return {};
}

Plot speed_up_plot(const ScalingReport& report) {
  return {"Speed-up",
          "Images per second, against one rank with the same threads." + on_unrepeated(report),
          kCommonPlotSettings +
              std::string("set key vertical maxrows 8\nset ylabel 'speed-up'\nset yrange [0:*]\n") +
              over_ranks(report, &ScalingPoint::speed_up, 1, "x")};
}

Plot efficiency_plot(const ScalingReport& report) {
  return {"Efficiency",
          "Speed-up divided by ranks; one rank is 100 % by construction." + on_unrepeated(report),
          kCommonPlotSettings +
              std::string(
                  "set key vertical maxrows 8\nset ylabel 'efficiency, %'\nset yrange [0:*]\n") +
              over_ranks(report, &ScalingPoint::efficiency, 100, "100")};
}

Plot parts_plot(const Series& series) {
  std::string lines;
  for (const auto& point : series.points) {
    const auto& parts = point.parts;
    const double waiting = parts.wait_for_slowest;
    lines += fmt::format("{} {} {} {} {} {} {}\n", point.settings.ranks, parts.data, parts.forward,
                         parts.backward, std::max(0.0, parts.exposed_communication - waiting),
                         waiting, parts.optimizer);
  }
  std::vector<std::string> plots;
  constexpr std::array kParts = {"data",       "forward", "backward",
                                 "all-reduce", "waiting", "optimizer"};
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    plots.push_back(fmt::format("$d0 using {}:xtic(1) title '{}' lc rgb '{}'", i + 2, kParts.at(i),
                                plot_colour(i)));
  }
  return {fmt::format("Time of a step: {}", series.title()),
          "Means over ranks, from the bottom in the order of the legend; all-reduce and waiting "
          "are what computation does not hide.",
          named_block(0, lines) + kCommonPlotSettings +
              "set style data histogram\nset style histogram rowstacked\nset xlabel 'ranks'\n"
              "set ylabel 'ms'\nset yrange [0:*]\nplot " +
              joined(plots)};
}

Plot bandwidth_plot(const Sweep& sweep) {
  std::map<int, std::string> by_ranks;
  for (const auto& time : sweep.all_reduces) {
    if (time.ranks < 2) continue;
    by_ranks[time.ranks] += fmt::format("{} {}\n", time.bytes, time.busbw_gb_per_s);
  }
  std::string data;
  std::vector<std::string> plots;
  for (const auto& [ranks, lines] : by_ranks) {
    const auto index = plots.size();
    data += named_block(index, lines);
    plots.push_back(
        fmt::format("$d{} with linespoints {} title '{} ranks'", index, line_style(index), ranks));
  }
  return {"Bus bandwidth of the all-reduce",
          "bytes / time · 2(n − 1)/n, as in nccl-tests; out of place.",
          data + kCommonPlotSettings +
              "set logscale x 4\nset xlabel 'bytes'\nset ylabel 'GB/s'\nset yrange [0:*]\n"
              "set format x '%.0b%B'\nplot " +
              joined(plots)};
}

Plot distribution_plot(const Series& series) {
  std::string data;
  std::vector<std::string> plots;
  std::vector<std::string> marks;
  for (const auto& point : series.points) {
    const auto index = plots.size();
    std::string lines;
    for (const double value : point.step_ms_series) lines += fmt::format("{}\n", value);
    data += named_block(index, lines);
    plots.push_back(fmt::format("$d{0} using ({0}):1 notitle lc rgb '{1}'", index, plot_colour(0)));
    marks.push_back(fmt::format("'{}' {}", point.settings.ranks, index));
  }
  return {fmt::format("Distribution of step times: {}", series.title()),
          "Of the first repeat: the box holds the middle half, the whiskers 95 %; others are not "
          "shown.",
          data + kCommonPlotSettings +
              fmt::format("set style data boxplot\nset style boxplot fraction 0.95 nooutliers\n"
                          "set xlabel 'ranks'\nset ylabel 'ms'\nset yrange [0:*]\n"
                          "set xrange [-0.6:{}]\nset xtics ({})\nplot {}",
                          static_cast<double>(plots.size()) - 0.4, joined(marks), joined(plots))};
}

Plot skew_plot(const Series& series) {
  const auto& point = series.points.back();
  std::string lines;
  for (std::size_t rank = 0; rank < point.ranks.size(); ++rank) {
    lines += fmt::format("{} {} {}\n", rank, point.ranks[rank].busy_ms, point.ranks[rank].wait_ms);
  }
  return {fmt::format("Ranks at {} ranks: {}", point.settings.ranks, series.title()),
          "How long a step keeps each rank busy, and how long it waits for the slowest.",
          named_block(0, lines) + kCommonPlotSettings +
              fmt::format("set style data histogram\nset style histogram rowstacked\n"
                          "set xlabel 'rank'\nset ylabel 'ms'\nset yrange [0:*]\n"
                          "plot $d0 using 2:xtic(1) title 'busy' lc rgb '{}', "
                          "$d0 using 3 title 'waiting' lc rgb '{}'\n",
                          plot_colour(0), plot_colour(4))};
}

}  // namespace

std::vector<Plot> scaling_plots(const ScalingReport& report) {
  std::vector<Plot> plots;
  if (!report.series.empty()) {
    plots.push_back(speed_up_plot(report));
    plots.push_back(efficiency_plot(report));
  }
  for (const auto& one : report.series) {
    plots.push_back(parts_plot(one.series));
    plots.push_back(distribution_plot(one.series));
    plots.push_back(skew_plot(one.series));
  }
  const auto& times = report.sweep.all_reduces;
  if (std::any_of(times.begin(), times.end(), [](const auto& time) { return time.ranks > 1; })) {
    plots.push_back(bandwidth_plot(report.sweep));
  }
  return plots;
}

}  // namespace lockstep::report
