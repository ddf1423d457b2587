#include "run_plots.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gnuplot.hpp"

namespace lockstep::report {
namespace {

constexpr std::size_t kMaxPoints = 1000;  // of a curve: more would not be visible

/// A curve: its points as lines of data, its name, its style.
struct Curve {
  std::string data;
  std::string style;
  std::string title;
};

Plot plot_of(const std::string& title, const std::string& caption, const std::string& settings,
             const std::vector<Curve>& curves) {
  std::string data;
  std::vector<std::string> plots;
  for (const auto& curve : curves) {
    if (curve.data.empty()) continue;
    data += named_block(plots.size(), curve.data);
    plots.push_back(fmt::format("$d{} with {} title {}", plots.size(), curve.style,
                                gnuplot_string(curve.title)));
  }
  if (plots.empty()) return {};
  return {title, caption,
          fmt::format("{}{}set key vertical maxrows 8\n{}plot {}", data, kCommonPlotSettings,
                      settings, joined(plots))};
}

/// Averages neighbours if there are too many points.
std::string step_data(const Run& run, const std::function<double(const LoggedStep&)>& value) {
  const std::size_t together = (run.steps.size() + kMaxPoints - 1) / kMaxPoints;
  std::string data;
  for (std::size_t first = 0; first < run.steps.size(); first += together) {
    const auto end = std::min(first + together, run.steps.size());
    double sum = 0;
    for (auto i = first; i < end; ++i) sum += value(run.steps[i]);
    const double mean = sum / static_cast<double>(end - first);
    if (std::isfinite(mean)) data += fmt::format("{} {}\n", run.steps[first].step, mean);
  }
  return data;
}

std::string figures_data(const Run& run, const std::vector<Figures>& all, double Figures::*value,
                         double factor) {
  std::string data;
  for (const auto& one : all) {
    const auto last = std::min(one.epoch * run.steps_per_epoch, run.steps_done);
    if (std::isfinite(one.*value)) data += fmt::format("{} {}\n", last, factor * (one.*value));
  }
  return data;
}

std::string name_of(const std::vector<Run>& runs, const Run& run, const std::string& what) {
  return runs.size() == 1 ? what : fmt::format("{}, {}", run.name, what);
}

/// Lines through marks, for metrics that are taken now and then. Test metrics have filled marks and
/// solid lines; a single run shows its two sets in two colours.
std::string marked(const std::vector<Run>& runs, std::size_t run, bool test) {
  const auto colour = runs.size() == 1 && test ? run + 1 : run;
  return fmt::format("linespoints lw 2 pt {} ps 0.9 dt {} lc rgb '{}'",
                     4 + 2 * (run % 5) + (test ? 1 : 0), test ? 1 : 3, plot_colour(colour));
}

/// The same for the test metrics of averaged weights: a dashed line.
std::string averaged(const std::vector<Run>& runs, std::size_t run) {
  const auto colour = runs.size() == 1 ? run + 2 : run;
  return fmt::format("linespoints lw 2 pt {} ps 0.9 dt 2 lc rgb '{}'", 4 + 2 * (run % 5),
                     plot_colour(colour));
}

Plot loss_plot(const std::vector<Run>& runs) {
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& run = runs[i];
    curves.push_back({step_data(run, [](const LoggedStep& step) { return step.loss; }),
                      fmt::format("lines lw 1 lc rgb '#80{}'", plot_colour(i) + 1),
                      name_of(runs, run, "training, single steps")});
    curves.push_back({figures_data(run, run.validation, &Figures::average_loss, 1),
                      marked(runs, i, false), name_of(runs, run, "validation")});
    curves.push_back({figures_data(run, run.test, &Figures::average_loss, 1), marked(runs, i, true),
                      name_of(runs, run, "test")});
    curves.push_back({figures_data(run, run.ema_test, &Figures::average_loss, 1), averaged(runs, i),
                      name_of(runs, run, "test, averaged weights")});
  }
  return plot_of("Loss", "Of single steps during training, and over whole sets after epochs.",
                 "set xlabel 'step'\nset ylabel 'loss'\nset yrange [0:*]\n", curves);
}

Plot accuracy_plot(const std::vector<Run>& runs) {
  constexpr double kToPercent = 100;
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& run = runs[i];
    curves.push_back({figures_data(run, run.validation, &Figures::accuracy, kToPercent),
                      marked(runs, i, false), name_of(runs, run, "validation")});
    curves.push_back({figures_data(run, run.test, &Figures::accuracy, kToPercent),
                      marked(runs, i, true), name_of(runs, run, "test")});
    curves.push_back({figures_data(run, run.ema_test, &Figures::accuracy, kToPercent),
                      averaged(runs, i), name_of(runs, run, "test, averaged weights")});
  }
  return plot_of("Accuracy", "After epochs.", "set xlabel 'step'\nset ylabel 'accuracy, %'\n",
                 curves);
}

Plot rate_plot(const std::vector<Run>& runs) {
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    curves.push_back({step_data(runs[i], [](const LoggedStep& step) { return step.learning_rate; }),
                      fmt::format("lines lw 2 dt {} lc rgb '{}'", 1 + i % 5, plot_colour(i)),
                      runs[i].name});
  }
  return plot_of("Learning rate", "At logged steps.",
                 "set xlabel 'step'\nset ylabel 'learning rate'\nset yrange [0:*]\n", curves);
}

Plot speed_plot(const std::vector<Run>& runs) {
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::string data;
    for (const auto& epoch : runs[i].epochs) {
      data += fmt::format("{} {}\n", epoch.epoch, epoch.images_per_second);
    }
    curves.push_back({data, marked(runs, i, true), runs[i].name});
  }
  return plot_of("Speed", "Images per second over all ranks, by epoch.",
                 "set xlabel 'epoch'\nset ylabel 'images/s'\nset yrange [0:*]\n"
                 "set offsets 0.2, 0.2, 0, 0\nset xtics autofreq\n",
                 curves);
}

Plot time_plot(const std::vector<Run>& runs) {
  std::string lines;
  for (const auto& run : runs) {
    if (run.epochs.empty()) continue;
    auto name = run.name;
    std::replace(name.begin(), name.end(), '"', '\'');
    lines += fmt::format("\"{}\"", name);
    for (std::size_t part = 0; part < kStepParts.size(); ++part) {
      double sum = 0;
      for (const auto& epoch : run.epochs) sum += epoch.parts_ms.at(part);
      lines += fmt::format(" {}", sum / static_cast<double>(run.epochs.size()));
    }
    lines += '\n';
  }
  if (lines.empty()) return {};
  std::vector<std::string> plots;
  for (std::size_t part = 0; part < kStepParts.size(); ++part) {
    const std::string_view name = kStepParts.at(part);
    plots.push_back(fmt::format("$d0 using {}:xtic(1) title '{}' lc rgb '{}'", part + 2,
                                name == "exposed_communication" ? "waiting for all-reduce" : name,
                                plot_colour(part)));
  }
  return {
      "Time of a step",
      "Rank 0's mean over all epochs, from the bottom in the order of the legend.",
      fmt::format("{}{}set style data histogram\nset style histogram rowstacked\nset boxwidth 0.4\n"
                  "set ylabel 'ms'\nset yrange [0:*]\nset xrange [-0.7:{}]\nplot {}",
                  named_block(0, lines), kCommonPlotSettings,
                  static_cast<double>(runs.size()) - 0.3, joined(plots))};
}

}  // namespace

std::vector<Plot> run_plots(const std::vector<Run>& runs) {
  std::vector<Plot> plots = {loss_plot(runs), accuracy_plot(runs), time_plot(runs),
                             speed_plot(runs), rate_plot(runs)};
  std::erase_if(plots, [](const Plot& plot) { return plot.script.empty(); });
  return plots;
}

}  // namespace lockstep::report
