#include "commands/report/report_runs.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/report/run_page.hpp>
#include <lockstep/session/train_option_table.hpp>

#include "commands/report/report_files.hpp"

namespace lockstep::app {
namespace {

/// `text`, quoted for a shell.
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
  train::TrainOptions defaults;
  task::BuiltinTask task;
  const auto table = session::train_option_table(defaults, task);
  // The default of one option depends on another.
  auto of_run = defaults.optimization;
  (void)find_option(table, "optimizer")->binding.set(run.option("optimizer"));
  std::swap(of_run.optimizer, defaults.optimization.optimizer);
  defaults.optimization.weight_decay = train::weight_decay_of(of_run);
  const auto program = run.config.value("program", "");
  auto command = fmt::format("mpirun -np {} {}", run.world_size(),
                             program.empty() ? "lockstep train" : program);
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      const auto key = options::record_name(option.name);
      const auto text = run.option(key);
      if (option.scope == options::Scope::kStart || option.scope == options::Scope::kImplied)
        continue;
      if (text.empty() || text == "null") continue;
      const auto& value = run.config.at("options").at(key);
      if (value == option.binding.get()) continue;
      command += option.binding.value_name.empty()
                     ? fmt::format(" --{}", option.name)
                     : fmt::format(" --{} {}", option.name, quoted(options::typed_text(value)));
    }
  }
  if (program.empty()) return command;
  for (const auto& [key, value] : run.config.at("options").items()) {  // options of its task
    const auto name = options::option_name(key);
    if (find_option(table, name) != nullptr) continue;
    command += fmt::format(" --{} {}", name, quoted(options::typed_text(value)));
  }
  return command;
}

std::vector<report::Run> read_runs(const std::vector<std::string>& folders) {
  std::vector<report::Run> runs;
  for (const auto& folder : folders) runs.push_back(report::read_run(folder));
  return runs;
}

std::vector<report::Run> read_runs_below(const std::filesystem::path& folder, const Log& log) {
  std::set<std::filesystem::path> folders;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (report::is_run(entry->path())) folders.insert(entry->path());
  }
  std::vector<report::Run> runs;
  for (const auto& run : folders) {
    try {
      runs.push_back(report::read_run(run));
    } catch (const DataError& damage) {
      log.warning(fmt::format("left out: {}", damage.what()));
    }
  }
  return runs;
}

void report_on_runs(const std::vector<report::Run>& runs, const std::filesystem::path& output,
                    const Log& log) {
  std::vector<std::string> commands;
  for (const auto& run : runs) commands.push_back(command_of(run));
  write_report({.html = page_with_plots(
                    log, [&](bool plots) { return report::runs_page(runs, commands, plots); }),
                .markdown = markdown_of(runs),
                .csv = report::runs_csv(runs),
                .json = report::runs_json(runs),
                .text = report::as_text(report::runs_table(runs))},
               output);
}

}  // namespace lockstep::app
