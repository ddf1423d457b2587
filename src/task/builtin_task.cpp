#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/task/data_kind.hpp>

namespace lockstep::task {
namespace {

const DataKind& data_kind(const std::string& name) {
  return *std::find_if(data_kinds().begin(), data_kinds().end(),
                       [&](const DataKind& kind) { return kind.name == name; });
}

}  // namespace

BuiltinTask::BuiltinTask() : networks_(make_network_kinds()), network_(networks_[0]->name()) {}

std::vector<options::Option> BuiltinTask::data_options() {
  return {{"data-dir",
           "folder of the four IDX files, plain or .gz (default: $LOCKSTEP_DATA_DIR, "
           "data/FashionMNIST/raw, Debian's dataset-fashion-mnist)",
           options::path(data_folder_, "DIR"), Effect::kNothing},
          {"synthetic", "made-up images of the same shapes; no data set needed",
           options::flag(synthetic_), Effect::kInput}};
}

options::Option BuiltinTask::model_option() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& kind : networks_) names.emplace_back(kind->name(), kind->name());
  return {"model", "the network (default " + names[0].first + ")", options::choice(network_, names),
          Effect::kNetwork};
}

NetworkKind& BuiltinTask::chosen_network() const {
  return **std::find_if(networks_.begin(), networks_.end(),
                        [&](const auto& kind) { return kind->name() == network_; });
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

data::SampleSpec BuiltinTask::sample_spec() {
  return data_kind(synthetic_ ? "synthetic" : "fashion-mnist").spec();
}

std::unique_ptr<data::DatasetSource> BuiltinTask::open_data() {
  return data_kind(synthetic_ ? "synthetic" : "fashion-mnist").open(data_folder_);
}

/// An option that the chosen network does not have would otherwise be ignored in silence.
void BuiltinTask::refuse_options_of_others() {
  for (const auto& fresh : make_network_kinds()) {
    if (fresh->name() == network_) continue;
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
  return chosen_network().make(spec);
}

void BuiltinTask::recognise(const model::Weights& weights) {
  for (const auto& kind : networks_) {
    if (!kind->recognise(weights, sample_spec())) continue;
    network_ = kind->name();
    return;
  }
}

}  // namespace lockstep::task
