#include <span>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/checkpoint.hpp>

namespace lockstep::train {
namespace {

using Json = nlohmann::ordered_json;

// Digest and format apart, all that is Lockstep's own is one entry of the file's metadata.
constexpr const char* kEntry = "lockstep.checkpoint";
constexpr int kSchema = 1;

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
  throw DataError(fmt::format("{}: {}: not a usable checkpoint", path.string(), why));
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
          {"epoch_loss", position.epoch_loss}};
}

void from_json(const Json& json, RunPosition& position) {
  json.at("steps").get_to(position.steps);
  json.at("epoch").get_to(position.epoch);
  json.at("step_of_epoch").get_to(position.step_of_epoch);
  json.at("epoch_samples").get_to(position.epoch_samples);
  json.at("epoch_loss").get_to(position.epoch_loss);
}

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const Json entry = {
      {"schema", kSchema}, {"position", checkpoint.position}, {"settings", checkpoint.settings}};
  model::write_safetensors(path, checkpoint.tensors, {{kEntry, entry.dump()}});
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint{.path = path.string()};
  model::SafetensorsMetadata metadata;
  checkpoint.tensors = model::read_safetensors(path, &metadata);
  const auto found = metadata.find(kEntry);
  if (found == metadata.end()) {
    refuse(path, "it holds weights but no position of a run (--init-from starts from weights)");
  }
  if (metadata.count(model::kDigestEntry) == 0) refuse(path, "it names no digest");
  const auto entry = Json::parse(found->second, nullptr, false);
  if (!entry.is_object()) refuse(path, "its position is no JSON object");
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
    auto& shapes = message["tensors"] = Json::array();
    for (const auto& [name, value] : mine->tensors) shapes.push_back({name, value.sizes().vec()});
  }
  const auto shared = Json::parse(comm::broadcast_text(communicator, message.dump(), 0));
  if (shared.is_null()) return std::nullopt;
  if (communicator.rank() != 0) {
    mine = Checkpoint{.position = shared.at("position").get<RunPosition>(),
                      .settings = shared.at("settings"),
                      .path = shared.at("path").get<std::string>()};
    for (const auto& tensor : shared.at("tensors")) {
      const auto shape = tensor.at(1).get<std::vector<std::int64_t>>();
      mine->tensors.push_back({tensor.at(0).get<std::string>(), torch::empty(shape)});
    }
  }
  for (const auto& [name, value] : mine->tensors) {
    const auto floats = std::span(value.data_ptr<float>(), static_cast<std::size_t>(value.numel()));
    communicator.broadcast(std::as_writable_bytes(floats), 0).wait();
  }
  return mine;
}

std::string describe_differences(const Json& settings, const Json& mine) {
  std::string text;
  for (const auto& [name, value] : mine.items()) {
    const auto there = settings.find(name);
    if (there != settings.end() && *there == value) continue;
    text += fmt::format("{}{} is {} there and {} here", text.empty() ? "" : "; ", name,
                        there == settings.end() ? "absent" : there->dump(), value.dump());
  }
  return text;
}

}  // namespace lockstep::train
