#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/input_file.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {
namespace {

options::OptionTable table_of(Task& task) {
  return {{"Network", task.network_options()}};
}

FileDigests files_in(const nlohmann::ordered_json& files, const std::string& where) {
  try {
    return files.is_null() ? FileDigests() : files.get<FileDigests>();
  } catch (const nlohmann::json::exception&) {
    throw DataError(
        fmt::format("{}: in its metadata '{}', the files have no digests", where, kTaskEntry));
  }
}

}  // namespace

std::string read_network_file(const std::string& path) {
  try {
    return read_input_file(path, kMaxNetworkFileBytes);
  } catch (const RuntimeFailure& failure) {
    throw DataError(failure.what());
  }
}

nlohmann::ordered_json describe(Task& task) {
  nlohmann::ordered_json description = {
      {"name", task.name()},
      {"configuration", options::current_values({{"Network", task.configuration()}})}};
  const auto files = task.file_digests();
  if (!files.empty()) description["files"] = files;
  return description;
}

void configure(Task& task, const nlohmann::ordered_json& description, const std::string& where) {
  const auto entry = [&](const char* key) {
    return description.is_object() && description.contains(key) ? description.at(key)
                                                                : nlohmann::ordered_json();
  };
  const auto configuration = entry("configuration");
  if (!entry("name").is_string() || !configuration.is_object()) {
    throw DataError(fmt::format("{}: its metadata '{}' do not describe a task", where, kTaskEntry));
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
  task.expect_files(files_in(entry("files"), where));
}

void configure_for(Task& task, const model::Weights& weights, const data::SampleSpec& spec) {
  const auto entry = weights.metadata.find(kTaskEntry);
  if (entry != weights.metadata.end()) {
    configure(task, nlohmann::ordered_json::parse(entry->second, nullptr, false),
              weights.path.string());
    task.look_for_files(weights.path);
  }
  const auto trained_on = samples_of(weights);
  if (trained_on && (trained_on->input.shape != spec.input.shape ||
                     trained_on->target_shape() != spec.target_shape() ||
                     trained_on->outputs() != spec.outputs())) {
    throw DataError(fmt::format("{}: trained on {}, and these data have {}", weights.path.string(),
                                data::describe(*trained_on), data::describe(spec)));
  }
  if (entry == weights.metadata.end()) task.recognise(weights, spec);
}

std::optional<data::SampleSpec> samples_of(const model::Weights& weights) {
  const auto entry = weights.metadata.find(kSamplesEntry);
  if (entry == weights.metadata.end()) return std::nullopt;
  const auto spec =
      data::spec_from_json(nlohmann::ordered_json::parse(entry->second, nullptr, false));
  if (spec) return spec;
  throw DataError(fmt::format("{}: its metadata '{}' describe no samples", weights.path.string(),
                              kSamplesEntry));
}

}  // namespace lockstep::task
