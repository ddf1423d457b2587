// A task from its parts, for a program that needs no options of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <lockstep/data/dataset.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {

struct TaskParts {
  std::string name;  ///< recorded in weights and checkpoints
  /// Makes the same data source on every rank.
  std::function<std::unique_ptr<data::DatasetSource>()> data;
  /// Makes a network for such samples; model::wrap makes one from a LibTorch module.
  std::function<model::NetworkPtr(const data::SampleSpec&)> network;
  model::LossFunction loss{};  ///< null: the one that the options name
};

/// Throws UsageError if a part is missing.
[[nodiscard]] TaskFactory make_factory(const TaskParts& parts);

}  // namespace lockstep::task
