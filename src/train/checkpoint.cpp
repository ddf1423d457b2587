#include <span>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/checkpoint.hpp>

namespace lockstep::train {
namespace {

using Json = nlohmann::ordered_json;

// Everything a run needs to resume is in one entry of the file's metadata.
constexpr const char* kEntry = "lockstep.checkpoint";
constexpr int kSchema = 1;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why,
                         Settings settings = {}) {
  throw DataError(fmt::format("{}: {}: not a usable checkpoint", path.string(), why),
                  std::move(settings));
}

bool is_sound(const RunPosition& position) {
  return position.steps >= 0 && position.epoch >= 1 && position.step_of_epoch >= 0 &&
         position.step_of_epoch <= position.steps && position.epoch_samples >= 0;
}

}  // namespace

void to_json(Json& json, const RunPosition& position) {
  json = {{"steps", position.steps},
          {"epoch", position.epoch},
          {"step_of_epoch", position.step_of_epoch},
          {"epoch_samples", position.epoch_samples},
          {"epoch_loss", position.epoch_loss},
          {"keep_best", position.keep_best},
          {"early_stop", position.early_stop}};
}

void from_json(const Json& json, RunPosition& position) {
  json.at("steps").get_to(position.steps);
  json.at("epoch").get_to(position.epoch);
  json.at("step_of_epoch").get_to(position.step_of_epoch);
  json.at("epoch_samples").get_to(position.epoch_samples);
  json.at("epoch_loss").get_to(position.epoch_loss);
  // Absent in checkpoints of earlier versions.
  if (json.contains("keep_best")) json.at("keep_best").get_to(position.keep_best);
  if (json.contains("early_stop")) json.at("early_stop").get_to(position.early_stop);
}

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const Json entry = {
      {"schema", kSchema}, {"position", checkpoint.position}, {"settings", checkpoint.settings}};
  auto metadata = checkpoint.metadata;
  metadata[kEntry] = entry.dump();
  model::write_safetensors(path, checkpoint.tensors, std::move(metadata));
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint{.path = path.string()};
  model::SafetensorsMetadata metadata;
  checkpoint.tensors = model::read_safetensors(path, &metadata);
  const auto found = metadata.find(kEntry);
  if (found == metadata.end()) {
    refuse(path, "it holds weights but no position of a run; a new run can start from them",
           {"init_from"});
  }
  if (metadata.count(model::kDigestEntry) == 0) refuse(path, "it names no digest");
  const auto entry = Json::parse(found->second, nullptr, false);
  if (!entry.is_object()) refuse(path, "its position is not a JSON object");
  if (entry.value("schema", 0) != kSchema) {
    refuse(path, fmt::format("its schema is not {}: it is of another version", kSchema));
  }
  try {
    checkpoint.position = entry.at("position").get<RunPosition>();
    checkpoint.settings = entry.at("settings");
  } catch (const nlohmann::json::exception&) {
    refuse(path, "its position is incomplete");
  }
  if (!is_sound(checkpoint.position)) refuse(path, "its position is impossible");
  return checkpoint;
}

std::optional<Checkpoint> broadcast_checkpoint(std::optional<Checkpoint> mine,
                                               comm::Communicator& communicator) {
  Json message;  // null: none
  if (mine) {
    message = {{"position", mine->position}, {"settings", mine->settings}, {"path", mine->path}};
    auto& tensors = message["tensors"] = Json::array();
    for (const auto& [name, value] : mine->tensors) {
      tensors.push_back({name, value.sizes().vec(), static_cast<int>(value.scalar_type())});
    }
  }
  const auto shared = Json::parse(comm::broadcast_text(communicator, message.dump(), 0));
  if (shared.is_null()) return std::nullopt;
  if (communicator.rank() != 0) {
    mine = Checkpoint{.position = shared.at("position").get<RunPosition>(),
                      .settings = shared.at("settings"),
                      .path = shared.at("path").get<std::string>()};
    for (const auto& tensor : shared.at("tensors")) {
      const auto shape = tensor.at(1).get<std::vector<std::int64_t>>();
      const auto type = static_cast<torch::ScalarType>(tensor.at(2).get<int>());
      mine->tensors.push_back({tensor.at(0).get<std::string>(), torch::empty(shape, type)});
    }
  }
  for (const auto& [name, value] : mine->tensors) {
    const auto bytes = std::span(static_cast<std::byte*>(value.data_ptr()), value.nbytes());
    communicator.broadcast(bytes, 0).wait();
  }
  return mine;
}

std::string describe_differences(const Json& settings, const Json& mine, const Json& defaults) {
  std::string text;
  for (const auto& [name, value] : mine.items()) {
    const auto& known = settings.contains(name) ? settings : defaults;
    const auto there = known.find(name);
    if (there != known.end() && *there == value) continue;
    text += fmt::format("{}{} is {} there and {} here", text.empty() ? "" : "; ", name,
                        there == known.end() ? "absent" : there->dump(), value.dump());
  }
  return text;
}

}  // namespace lockstep::train
