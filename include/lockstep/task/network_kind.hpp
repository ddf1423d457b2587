// The networks that --model can name. A new one takes a file in src/task/networks and a line in
// src/task/network_kinds.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lockstep/data/sample_spec.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/model/weights.hpp>
#include <lockstep/options/option_table.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {

class NetworkKind {
 public:
  NetworkKind() = default;
  virtual ~NetworkKind() = default;
  NetworkKind(const NetworkKind&) = delete;
  NetworkKind& operator=(const NetworkKind&) = delete;
  NetworkKind(NetworkKind&&) = delete;
  NetworkKind& operator=(NetworkKind&&) = delete;

  /// As help names it.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Whether that is what --model means by `model`.
  [[nodiscard]] virtual bool is_named(const std::string& model) const { return model == name(); }
  /// As Task::read_files.
  virtual void read_files(const std::string& /*model*/, const FileReader& /*read*/) {}
  /// SHA-256 (hexadecimal) of the file that it read; empty if there is none.
  [[nodiscard]] virtual std::string file_digest() const { return {}; }
  /// Options of its own, bound to its variables.
  [[nodiscard]] virtual std::vector<options::Option> options() { return {}; }
  /// As Task::make_network.
  [[nodiscard]] virtual model::NetworkPtr make(const data::SampleSpec& spec) const = 0;
  /// Sets its options for weights that do not say what they belong to. Returns false if they are of
  /// another kind: by default, if their names and shapes are not those of a network as its options
  /// stand. Throws DataError for weights of this kind that do not fit `spec`.
  virtual bool recognise(const model::Weights& weights, const data::SampleSpec& spec);
};

/// One network of each kind, the default first.
[[nodiscard]] std::vector<std::unique_ptr<NetworkKind>> make_network_kinds();

}  // namespace lockstep::task
