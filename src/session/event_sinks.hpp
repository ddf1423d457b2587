// Where rank 0's events go.
#pragma once

#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include <lockstep/metrics/sinks.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// Combines all sinks that the options ask for. `values`: every option's resolved value. Throws
/// RuntimeFailure if metrics.jsonl in `folder` cannot be opened.
[[nodiscard]] std::unique_ptr<metrics::EventSink> make_event_sinks(
    const train::OutputOptions& options, const nlohmann::ordered_json& values,
    const std::filesystem::path& folder);

}  // namespace lockstep::session
