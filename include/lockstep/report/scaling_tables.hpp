// A sweep's results as tables: for people, and for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/report/prediction.hpp>
#include <lockstep/report/scaling.hpp>
#include <lockstep/report/table.hpp>

namespace lockstep::report {

/// One series, its model if there is one, and the model's predictions.
struct SeriesReport {
  Series series;
  std::optional<ScalingModel> model{};
  std::vector<ScalingPrediction> predictions{};
};

/// Everything that a report shows.
struct ScalingReport {
  Sweep sweep;
  std::vector<SeriesReport> series{};
};

/// Predicts for `predicted_ranks` and for twice the largest measured number of ranks.
[[nodiscard]] ScalingReport make_report(Sweep sweep,
                                        const std::vector<std::int64_t>& predicted_ranks,
                                        std::optional<AllReduceAlgorithm> algorithm = {});

[[nodiscard]] Table speed_table(const Series& series);
[[nodiscard]] Table time_table(const Series& series);
[[nodiscard]] Table lost_table(const Series& series);
[[nodiscard]] Table prediction_table(const SeriesReport& report);
[[nodiscard]] Table failed_table(const Sweep& sweep);

/// What the efficiency is measured against, and what the marks mean, in sentences.
[[nodiscard]] std::vector<std::string> notes(const Series& series);
/// Describes the model of `report`, where it was checked, and what was never measured. There must
/// be a model.
[[nodiscard]] std::string model_note(const SeriesReport& report);

/// Everything above, for a terminal or as Markdown.
[[nodiscard]] std::string scaling_text(const ScalingReport& report);
[[nodiscard]] std::string scaling_markdown(const ScalingReport& report);

/// As docs/files.md describes them: schema 1.
[[nodiscard]] nlohmann::ordered_json scaling_json(const ScalingReport& report);
[[nodiscard]] std::string scaling_csv(const ScalingReport& report);

}  // namespace lockstep::report
