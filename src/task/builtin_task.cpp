#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/task/data_kind.hpp>

#include "synthetic_data.hpp"

namespace lockstep::task {
namespace {

constexpr const char* kByItsFiles = "auto";
constexpr const char* kModelOption = "model";
constexpr const char* kTrainedModule = "model.pt";  // in the folder of a run
constexpr std::int64_t kMaxSize = std::int64_t{1} << 14U;
constexpr std::int64_t kMaxClasses = std::int64_t{1} << 20U;

}  // namespace

BuiltinTask::BuiltinTask()
    : networks_(make_network_kinds()), network_(networks_[0]->name()), dataset_(kByItsFiles) {}

options::Option BuiltinTask::dataset_option() {
  std::vector<std::pair<std::string, std::string>> names = {{kByItsFiles, kByItsFiles}};
  for (const auto& kind : data_kinds()) names.emplace_back(kind.name, kind.name);
  return {"dataset", "what --data-dir holds (default auto: told by its files)",
          options::choice(dataset_, names), Effect::kNothing};
}

options::Option BuiltinTask::resize_option() {
  auto binding = options::integers(resize_, 1, data::kMaxPictureSide);
  binding.value_name = "H,W";
  binding.expected = fmt::format("a height and a width, two integers from 1 to {}, with a comma",
                                 data::kMaxPictureSide);
  binding.set = [this, set = binding.set](const std::string& text) {
    const auto before = resize_;
    const bool valid = set(text) && resize_.size() == 2;
    if (!valid) resize_ = before;
    return valid;
  };
  return {"resize",
          "height and width to which the pictures of --dataset pictures are scaled (default: they "
          "have one size)",
          std::move(binding), Effect::kInput};
}

std::vector<options::Option> BuiltinTask::made_up_options() {
  return {{"input-shape", "shape of a made-up image (default 1,28,28)",
           options::integers(made_up_.input_shape, 1, kMaxSize), Effect::kInput},
          {"classes", "classes of made-up images (default 10)",
           options::integer(made_up_.classes, 1, kMaxClasses), Effect::kInput}};
}

std::vector<options::Option> BuiltinTask::data_options() {
  std::vector<options::Option> all = {
      {"data-dir",
       "folder of the data (default: FashionMNIST in $LOCKSTEP_DATA_DIR, "
       "data/FashionMNIST/raw or Debian's dataset-fashion-mnist)",
       options::path(data_folder_, "DIR"), Effect::kNothing},
      dataset_option(),
      resize_option(),
      {"synthetic", "made-up images; no data set needed", options::flag(synthetic_),
       Effect::kInput}};
  for (auto& option : made_up_options()) all.push_back(std::move(option));
  return all;
}

options::Option BuiltinTask::model_option() {
  std::string names;
  for (const auto& kind : networks_) {
    names += fmt::format("{}{}", names.empty() ? "" : "/", kind->name());
  }
  options::Binding binding{.value_name = names,
                           .expected = fmt::format("one of {}", names),
                           .set =
                               [this](const std::string& text) {
                                 const bool is_known = std::any_of(
                                     networks_.begin(), networks_.end(),
                                     [&](const auto& kind) { return kind->is_named(text); });
                                 if (is_known) network_ = text;
                                 return is_known;
                               },
                           .get = [this]() -> nlohmann::json { return network_; },
                           .is_path = true};
  return {
      kModelOption,
      fmt::format("the network; FILE.pt: a TorchScript module (default {})", networks_[0]->name()),
      std::move(binding), Effect::kNetwork};
}

options::Option BuiltinTask::moved_model_option() {
  return {kModelOption,
          "the TorchScript module of these weights (default: where it was, or the run's model.pt)",
          options::path(moved_network_, "FILE.pt"), Effect::kNothing};
}

NetworkKind& BuiltinTask::chosen_network() const {
  return **std::find_if(networks_.begin(), networks_.end(),
                        [&](const auto& kind) { return kind->is_named(network_); });
}

void BuiltinTask::read_files(const FileReader& read) {
  chosen_network().read_files(moved_network_.empty() ? network_ : moved_network_, read);
  // Another file is taken at the user's word: a run's own model.pt differs in its weights.
  if (!moved_network_.empty() || expected_files_.empty() || expected_files_ == file_digests()) {
    return;
  }
  throw DataError(fmt::format(
      "{} is not the module that these weights were trained with (its SHA-256 differs): --model "
      "FILE.pt names that, or the model.pt of the run",
      network_));
}

FileDigests BuiltinTask::file_digests() const {
  const auto digest = chosen_network().file_digest();
  return digest.empty() ? expected_files_ : FileDigests{{kModelOption, digest}};
}

void BuiltinTask::look_for_files(const std::filesystem::path& weights) {
  std::error_code ignored;
  if (expected_files_.empty() || !moved_network_.empty() ||
      std::filesystem::exists(network_, ignored)) {
    return;
  }
  const auto folder = weights.parent_path();
  const auto run = folder.filename() == "checkpoints" ? folder.parent_path() : folder;
  if (std::filesystem::exists(run / kTrainedModule, ignored)) {
    moved_network_ = (run / kTrainedModule).string();
    expected_files_.clear();  // its weights are others
  }
}

std::vector<options::Option> BuiltinTask::network_options() {
  std::vector<options::Option> all = {model_option()};
  for (const auto& kind : networks_) {
    for (auto& option : kind->options()) all.push_back(std::move(option));
  }
  return all;
}

std::vector<options::Option> BuiltinTask::configuration() {
  std::vector<options::Option> all = {model_option()};
  for (auto& option : chosen_network().options()) all.push_back(std::move(option));
  return all;
}

/// Null: nothing that is known lies in the folder.
const DataKind* BuiltinTask::chosen_data() const {
  const auto& kinds = data_kinds();
  if (dataset_ == kByItsFiles && data_folder_.empty()) return &kinds.front();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const DataKind& kind) {
    return dataset_ == kByItsFiles ? kind.is_in(data_folder_) : kind.name == dataset_;
  });
  return found == kinds.end() ? nullptr : &*found;
}

std::unique_ptr<data::DatasetSource> BuiltinTask::open_folder(const DataKind& kind) const {
  if (resize_.empty()) return kind.open(data_folder_, {});
  if (!kind.resizes) {
    throw UsageError(
        fmt::format("--resize is for --dataset pictures, and these data are {}", kind.name));
  }
  return kind.open(data_folder_,
                   {.resize = data::PictureSize{.height = resize_[0], .width = resize_[1]}});
}

std::unique_ptr<data::DatasetSource> BuiltinTask::open_data() {
  if (synthetic_ && !resize_.empty()) {
    throw UsageError("--resize is for --dataset pictures, and made-up images have --input-shape");
  }
  if (synthetic_) return make_synthetic_data(made_up_);
  if (made_up_ != SyntheticOptions()) {
    throw UsageError(
        "--input-shape and --classes are for --synthetic: other data say what they are");
  }
  if (const auto* kind = chosen_data()) return open_folder(*kind);
  try {
    return data_kinds().front().open(data_folder_, {});  // knows what may have been meant
  } catch (const DataError& error) {
    std::vector<std::string> others;
    for (std::size_t i = 1; i < data_kinds().size(); ++i) others.push_back(data_kinds()[i].files);
    throw DataError(
        fmt::format("{}; other kinds of data: {}", error.what(), fmt::join(others, "; ")),
        error.settings());
  }
}

void BuiltinTask::resolve_data(const std::string& folder) {
  data_folder_ = folder;
  if (synthetic_) return;
  if (const auto* kind = chosen_data()) dataset_ = kind->name;
}

/// An option that the chosen network does not have would otherwise be silently ignored.
void BuiltinTask::refuse_options_of_others() {
  for (const auto& fresh : make_network_kinds()) {
    if (fresh->is_named(network_)) continue;
    const auto& kind = *std::find_if(networks_.begin(), networks_.end(),
                                     [&](const auto& one) { return one->name() == fresh->name(); });
    const auto defaults = fresh->options();
    const auto options = kind->options();
    for (std::size_t i = 0; i < options.size(); ++i) {
      if (options[i].binding.get() == defaults[i].binding.get()) continue;
      throw UsageError(fmt::format("--{} is for --model {}, and this is --model {}",
                                   options[i].name, fresh->name(), network_));
    }
  }
}

model::NetworkPtr BuiltinTask::make_network(const data::SampleSpec& spec) {
  refuse_options_of_others();
  if (!moved_network_.empty() && !chosen_network().is_named(moved_network_)) {
    throw UsageError(
        fmt::format("--model {} is for weights of a TorchScript module, and these are "
                    "of {}",
                    moved_network_, network_));
  }
  return chosen_network().make(spec);
}

void BuiltinTask::recognise(const model::Weights& weights, const data::SampleSpec& spec) {
  // The default comes last: it says what is wrong with weights that are of no kind.
  const auto found = std::find_if(networks_.rbegin(), networks_.rend(),
                                  [&](const auto& kind) { return kind->recognise(weights, spec); });
  if (found != networks_.rend()) network_ = (*found)->name();
}

}  // namespace lockstep::task
