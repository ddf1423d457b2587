#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {
namespace {

options::OptionTable table_of(Task& task) {
  return {{"Network", task.network_options()}};
}

}  // namespace

nlohmann::ordered_json describe(Task& task) {
  return {{"name", task.name()},
          {"configuration", options::current_values({{"Network", task.configuration()}})}};
}

void configure(Task& task, const nlohmann::ordered_json& description, const std::string& where) {
  const auto entry = [&](const char* key) {
    return description.is_object() && description.contains(key) ? description.at(key)
                                                                : nlohmann::ordered_json();
  };
  const auto configuration = entry("configuration");
  if (!entry("name").is_string() || !configuration.is_object()) {
    throw DataError(fmt::format("{}: its metadata '{}' describe no task", where, kTaskEntry));
  }
  const auto name = entry("name").get<std::string>();
  if (name != task.name()) {
    throw DataError(
        fmt::format("{}: these are weights of the task '{}', and this program's is '{}'", where,
                    name, task.name()));
  }
  const auto table = table_of(task);
  for (const auto& [recorded, value] : configuration.items()) {
    const auto* option = options::find_option(table, options::option_name(recorded));
    if (option == nullptr || !option->binding.set(options::typed_text(value))) {
      throw DataError(
          fmt::format("{}: its metadata '{}' say {} = {}, which this version does not "
                      "know",
                      where, kTaskEntry, recorded, value.dump()));
    }
  }
}

void configure_for(Task& task, const model::Weights& weights) {
  const auto entry = weights.metadata.find(kTaskEntry);
  if (entry == weights.metadata.end()) return task.recognise(weights);
  configure(task, nlohmann::ordered_json::parse(entry->second, nullptr, false),
            weights.path.string());
}

}  // namespace lockstep::task
