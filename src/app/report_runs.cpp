#include "report_runs.hpp"

#include <set>

#include <fmt/format.h>

#include <lockstep/app/train_option_table.hpp>
#include <lockstep/report/run_page.hpp>

#include "report_files.hpp"

namespace lockstep::app {
namespace {

/// As it is typed: lists with commas, and switches as on and off.
std::string value_text(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const auto& item : value) text += fmt::format("{}{}", text.empty() ? "" : ",", item.dump());
  return text;
}

/// For a shell.
std::string quoted(const std::string& text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./,:+=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string inside;
  for (const char c : text) inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return fmt::format("'{}'", inside);
}

std::string markdown_of(const std::vector<report::Run>& runs) {
  auto text = fmt::format("# Runs\n\n{}\n", report::as_markdown(report::runs_table(runs)));
  const auto classes = report::classes_table(runs);
  if (!classes.rows.empty())
    text += fmt::format("## Classes\n\n{}\n", report::as_markdown(classes));
  return text + fmt::format("## Options\n\n{}", report::as_markdown(report::options_table(runs)));
}

}  // namespace

std::string command_of(const report::Run& run) {
  // Where they lie, how they are shown, and what --global-batch-size says already.
  const std::set<std::string> left_out = {"output_dir", "resume", "progress", "batch_size"};
  train::TrainOptions defaults;
  const auto table = train_option_table(defaults);
  auto command = fmt::format("mpirun -np {} lockstep train", run.world_size());
  for (const auto& group : table) {
    for (const auto& [name, help, binding] : group.options) {
      const auto key = record_name(name);
      const auto text = run.option(key);
      if (left_out.contains(key) || text.empty() || text == "null") continue;
      const auto& value = run.config.at("options").at(key);
      if (value == binding.get()) continue;
      command += binding.value_name.empty()
                     ? fmt::format(" --{}", name)
                     : fmt::format(" --{} {}", name, quoted(value_text(value)));
    }
  }
  return command;
}

void report_on_runs(const std::vector<std::string>& folders, const std::filesystem::path& output,
                    const Log& log) {
  std::vector<report::Run> runs;
  std::vector<std::string> commands;
  for (const auto& folder : folders) {
    runs.push_back(report::read_run(folder));
    commands.push_back(command_of(runs.back()));
  }
  write_report({.html = report::runs_page(runs, commands, can_draw_plots(log)),
                .markdown = markdown_of(runs),
                .csv = report::runs_csv(runs),
                .json = report::runs_json(runs),
                .text = report::as_text(report::runs_table(runs))},
               output);
}

}  // namespace lockstep::app
