#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <lockstep/report/run_page.hpp>

#include "replaced.hpp"

namespace lockstep::report {
namespace {

using nlohmann::ordered_json;

constexpr double kHundredPercent = 100;

std::string ratio_text(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "–";
  return fmt::format("{:.1f}",
                     kHundredPercent * static_cast<double>(part) / static_cast<double>(whole));
}

double mean_speed(const Run& run) {
  double images = 0;
  for (const auto& epoch : run.epochs) images += epoch.images_per_second * epoch.seconds;
  return run.seconds > 0 ? images / run.seconds : 0;
}

/// The metrics of `epoch`, if there are any.
const Figures* of_epoch(const std::vector<Figures>& all, std::int64_t epoch) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [epoch](const Figures& one) { return one.epoch == epoch; });
  return found == all.end() ? nullptr : &*found;
}

ordered_json number_or_null(const Figures* figures, double Figures::*value) {
  return figures == nullptr || std::isnan(figures->*value) ? ordered_json(nullptr)
                                                           : ordered_json(figures->*value);
}

/// The columns of the CSV file, and one epoch's part of the JSON document.
ordered_json epoch_json(const Run& run, const Epoch& epoch) {
  ordered_json row = {{"epoch", epoch.epoch},
                      {"train_loss", epoch.train_loss},
                      {"seconds", epoch.seconds},
                      {"images_per_second", epoch.images_per_second}};
  for (std::size_t i = 0; i < kStepParts.size(); ++i) {
    row[fmt::format("{}_ms", kStepParts.at(i))] = epoch.parts_ms.at(i);
  }
  const auto* validation = of_epoch(run.validation, epoch.epoch);
  const auto* test = of_epoch(run.test, epoch.epoch);
  row["validation_accuracy"] = number_or_null(validation, &Figures::accuracy);
  row["validation_avg_loss"] = number_or_null(validation, &Figures::average_loss);
  row["test_accuracy"] = number_or_null(test, &Figures::accuracy);
  row["test_avg_loss"] = number_or_null(test, &Figures::average_loss);
  const auto* ema_test = of_epoch(run.ema_test, epoch.epoch);
  row["ema_test_accuracy"] = number_or_null(ema_test, &Figures::accuracy);
  row["ema_test_avg_loss"] = number_or_null(ema_test, &Figures::average_loss);
  return row;
}

std::string cell_of_csv(const ordered_json& value) {
  if (value.is_null()) return {};
  if (!value.is_string()) return value.dump();
  return fmt::format("\"{}\"", replaced(value.get<std::string>(), "\"", "\"\""));
}

}  // namespace

Table runs_table(const std::vector<Run>& runs) {
  Table table{.head = {"run", "ranks", "global batch", "epochs", "steps", "training loss",
                       "test accuracy %", "test loss", "images/s", "training s", "status"},
              .rows = {}};
  for (const auto& run : runs) {
    const bool tested = !run.test.empty();
    const bool classified = tested && !std::isnan(run.test.back().accuracy);
    table.rows.push_back(
        {run.name, fmt::format("{}", run.world_size()), run.option("global_batch_size"),
         fmt::format("{}", run.epochs.size()), fmt::format("{}", run.steps_done),
         run.epochs.empty() ? "–" : fmt::format("{:.4f}", run.epochs.back().train_loss),
         classified ? fmt::format("{:.2f}", kHundredPercent * run.test.back().accuracy) : "–",
         tested ? fmt::format("{:.4f}", run.test.back().average_loss) : "–",
         fmt::format("{:.0f}", mean_speed(run)), fmt::format("{:.1f}", run.seconds), run.status});
  }
  return table;
}

Table classes_table(const std::vector<Run>& runs) {
  Table table{.head = {"class"}, .rows = {}};
  for (const auto& run : runs) {
    if (!run.classification) continue;
    const auto& all = *run.classification;
    const auto suffix = runs.size() == 1 ? std::string() : fmt::format(", {}", run.name);
    table.head.push_back(fmt::format("precision %{}", suffix));
    table.head.push_back(fmt::format("recall %{}", suffix));
    if (table.rows.empty()) {
      for (const auto& name : all.classes) table.rows.push_back({name});
    }
    if (table.rows.size() != all.classes.size()) continue;
    for (std::size_t i = 0; i < all.classes.size(); ++i) {
      const auto right = all.confusion[i][i];
      table.rows[i].push_back(ratio_text(right, all.predicted_as(i)));
      table.rows[i].push_back(ratio_text(right, all.of_label(i)));
    }
  }
  return table;
}

Table options_table(const std::vector<Run>& runs) {
  Table table{.head = {"option"}, .rows = {}};
  std::set<std::string> names;
  for (const auto& run : runs) {
    table.head.push_back(run.name);
    const auto options = run.config.find("options");
    if (options == run.config.end()) continue;
    for (const auto& [name, value] : options->items()) names.insert(name);
  }
  for (const auto& name : names) {
    std::vector<std::string> row = {name};
    for (const auto& run : runs) row.push_back(run.option(name));
    table.rows.push_back(row);
  }
  std::stable_partition(table.rows.begin(), table.rows.end(), [](const auto& row) {
    return std::adjacent_find(row.begin() + 1, row.end(), std::not_equal_to<>()) != row.end();
  });
  return table;
}

std::string runs_csv(const std::vector<Run>& runs) {
  std::string text;
  for (const auto& run : runs) {
    for (const auto& epoch : run.epochs) {
      ordered_json row = {{"schema", 1}, {"run", run.name}, {"ranks", run.world_size()}};
      row.update(epoch_json(run, epoch));
      std::string head;
      std::string line;
      for (const auto& [name, value] : row.items()) {
        head += fmt::format("{}{}", head.empty() ? "" : ",", name);
        line += fmt::format("{}{}", line.empty() ? "" : ",", cell_of_csv(value));
      }
      if (text.empty()) text = fmt::format("{}\n", head);
      text += fmt::format("{}\n", line);
    }
  }
  return text;
}

ordered_json runs_json(const std::vector<Run>& runs) {
  auto all = ordered_json::array();
  for (const auto& run : runs) {
    auto epochs = ordered_json::array();
    for (const auto& epoch : run.epochs) epochs.push_back(epoch_json(run, epoch));
    ordered_json confusion = nullptr;
    if (run.classification) confusion = run.classification->confusion;
    const auto options = run.config.find("options");
    all.push_back({{"run", run.name},
                   {"status", run.status},
                   {"ranks", run.world_size()},
                   {"steps", run.steps_done},
                   {"seconds", run.seconds},
                   {"images_per_second", mean_speed(run)},
                   {"parameters_sha256", run.parameters_sha256},
                   {"options", options == run.config.end() ? nlohmann::json() : *options},
                   {"epochs", epochs},
                   {"confusion", confusion},
                   {"warnings", run.warnings}});
  }
  return {{"schema", 1}, {"runs", all}};
}

}  // namespace lockstep::report
