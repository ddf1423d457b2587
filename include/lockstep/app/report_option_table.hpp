// The command lines of `report` and `compare`, bound to their variables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/report/allreduce_model.hpp>

namespace lockstep::app {

struct ReportOptions {
  std::string write_to;  ///< empty: the sweep's own folder
  std::vector<std::int64_t> predict_ranks;
  std::optional<report::AllReduceAlgorithm> algorithm;  ///< absent: chosen by the measurements
};

/// The options must outlive the table.
[[nodiscard]] options::OptionTable report_option_table(ReportOptions& options);

/// Of `compare`.
[[nodiscard]] options::OptionTable compare_option_table(bool& as_json);

}  // namespace lockstep::app
