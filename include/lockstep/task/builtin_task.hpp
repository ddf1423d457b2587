// What `lockstep train` trains: a network and data that its options name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lockstep/task/network_kind.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {

class BuiltinTask final : public Task {
 public:
  BuiltinTask();

  [[nodiscard]] std::string name() const override { return "lockstep"; }
  /// --data-dir and --synthetic.
  [[nodiscard]] std::vector<options::Option> data_options() override;
  /// --model, and each network's own.
  [[nodiscard]] std::vector<options::Option> network_options() override;
  /// --model, and the chosen network's own.
  [[nodiscard]] std::vector<options::Option> configuration() override;
  [[nodiscard]] data::SampleSpec sample_spec() override;
  [[nodiscard]] std::unique_ptr<data::DatasetSource> open_data() override;
  void resolve_data(const std::string& folder) override { data_folder_ = folder; }
  [[nodiscard]] model::NetworkPtr make_network(const data::SampleSpec& spec) override;
  void recognise(const model::Weights& weights) override;

  void use_synthetic_data(bool synthetic) { synthetic_ = synthetic; }
  [[nodiscard]] bool uses_synthetic_data() const { return synthetic_; }

 private:
  [[nodiscard]] options::Option model_option();
  [[nodiscard]] NetworkKind& chosen_network() const;
  void refuse_options_of_others();

  std::vector<std::unique_ptr<NetworkKind>> networks_;
  std::string network_;  ///< the chosen one's name
  std::string data_folder_;
  bool synthetic_ = false;
};

}  // namespace lockstep::task
