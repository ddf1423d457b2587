// What `lockstep train` trains: a network and data that its options choose.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <lockstep/task/data_kind.hpp>
#include <lockstep/task/network_kind.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::task {

/// What made-up samples are like: FashionMNIST's, but for the names of the classes.
struct SyntheticOptions {
  std::vector<std::int64_t> input_shape = {1, 28, 28};
  std::int64_t classes = 10;

  [[nodiscard]] bool operator==(const SyntheticOptions&) const = default;
};

class BuiltinTask final : public Task {
 public:
  BuiltinTask();

  [[nodiscard]] std::string name() const override { return "lockstep"; }
  /// --data-dir, --dataset with its own, and --synthetic with its own.
  [[nodiscard]] std::vector<options::Option> data_options() override;
  /// --model, and the options of every network.
  [[nodiscard]] std::vector<options::Option> network_options() override;
  /// --model, and the options of the chosen network.
  [[nodiscard]] std::vector<options::Option> configuration() override;
  [[nodiscard]] std::unique_ptr<data::DatasetSource> open_data() override;
  void resolve_data(const std::string& folder) override;
  void read_files(const FileReader& read) override;
  [[nodiscard]] FileDigests file_digests() const override;
  void expect_files(const FileDigests& digests) override { expected_files_ = digests; }
  void look_for_files(const std::filesystem::path& weights) override;
  [[nodiscard]] model::NetworkPtr make_network(const data::SampleSpec& spec) override;
  void recognise(const model::Weights& weights, const data::SampleSpec& spec) override;

  /// For commands that have --data-dir and --synthetic in another form.
  [[nodiscard]] options::Option dataset_option();
  [[nodiscard]] options::Option resize_option();
  /// For commands whose weights name the network: --model FILE.pt, where that file is now.
  [[nodiscard]] options::Option moved_model_option();
  [[nodiscard]] std::vector<options::Option> made_up_options();
  void use_synthetic_data(bool synthetic) { synthetic_ = synthetic; }

 private:
  [[nodiscard]] options::Option model_option();
  [[nodiscard]] const DataKind* chosen_data() const;
  [[nodiscard]] std::unique_ptr<data::DatasetSource> open_folder(const DataKind& kind) const;
  [[nodiscard]] NetworkKind& chosen_network() const;
  void refuse_options_of_others();

  std::vector<std::unique_ptr<NetworkKind>> networks_;
  std::string network_;         ///< what --model says
  std::string moved_network_;   ///< where its file is now; empty: where it was
  FileDigests expected_files_;  ///< of the weights' network
  std::string data_folder_;
  std::string dataset_;               ///< the kind's name
  std::vector<std::int64_t> resize_;  ///< height and width; empty: as the pictures are
  bool synthetic_ = false;
  SyntheticOptions made_up_;
};

}  // namespace lockstep::task
