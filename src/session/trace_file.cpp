#include "trace_file.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/result_file.hpp>

namespace lockstep::session {
namespace {

namespace fs = std::filesystem;

fs::path resolved(const fs::path& path) {
  std::error_code error;
  auto whole = fs::weakly_canonical(fs::absolute(path), error);
  return error ? fs::absolute(path).lexically_normal() : whole;
}

/// `path` relative to `folder`; empty if it is not inside.
fs::path inside(const fs::path& path, const fs::path& folder) {
  auto relative = path.lexically_relative(folder);
  return relative.empty() || *relative.begin() == ".." ? fs::path() : relative;
}

/// Whether `name` is a file or folder of a run's folder.
bool belongs_to_run(const std::string& name) {
  constexpr std::array kNames = {"checkpoints",       "config.json",      "metrics.jsonl",
                                 "model.safetensors", "predictions.json", "run.lock"};
  return name.starts_with("events.out.tfevents.") ||
         std::find(kNames.begin(), kNames.end(), std::string_view(name)) != kNames.end();
}

}  // namespace

void require_usable_trace(const std::string& trace, const fs::path& run_folder) {
  if (trace.empty()) return;
  const auto folder = resolved(run_folder.empty() ? fs::path("runs/new") : run_folder);
  const auto file = resolved(trace);
  if (const auto name = inside(file, folder); !name.empty() && belongs_to_run(*name.begin())) {
    throw UsageError(fmt::format("--trace {}: the run itself writes {}: choose another name", trace,
                                 name.begin()->string()));
  }
  std::error_code error;
  const bool made_with_the_run =
      !fs::exists(file.parent_path(), error) && !inside(folder, file.parent_path()).empty();
  if (!made_with_the_run) require_writable_result("--trace", trace);
}

std::string why_no_trace(const train::OutputOptions& options, std::int64_t steps_before,
                         std::int64_t total_steps) {
  const auto last = options.trace_first_step + options.trace_steps - 1;
  if (options.trace.empty()) return {};
  if (options.trace_first_step > total_steps) {
    return fmt::format(
        "--trace {}: this run ends after step {}, before the first step to show, {} "
        "(--trace-first-step)",
        options.trace, total_steps, options.trace_first_step);
  }
  if (last <= steps_before) {
    return fmt::format(
        "--trace {}: this run continues after step {}, and the last step to show is {} "
        "(--trace-first-step, --trace-steps)",
        options.trace, steps_before, last);
  }
  return {};
}

}  // namespace lockstep::session
