// What is trained, and on what data: all that your own program has to define.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/data/dataset.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/model/weights.hpp>
#include <lockstep/options/option_table.hpp>

namespace lockstep::task {

/// Gives the content of a file of rank 0's on every rank. Throws an Error if it cannot be read.
using FileReader = std::function<std::string(const std::string& path)>;

/// SHA-256, hexadecimal, of the files that network options name, by the name of the option.
using FileDigests = std::map<std::string, std::string>;

inline constexpr std::size_t kMaxNetworkFileBytes = std::size_t{1} << 30U;

/// A file that network options name. Throws DataError, also if it is larger than that.
[[nodiscard]] std::string read_network_file(const std::string& path);

/// Joins data, a network for such data, and a loss. Every rank has one with the same options. One
/// thread at a time.
class Task {
 public:
  Task() = default;
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  Task(Task&&) = delete;
  Task& operator=(Task&&) = delete;

  /// Recorded in the metadata of weights and checkpoints; those of another task are refused.
  [[nodiscard]] virtual std::string name() const = 0;

  /// The task's own options for choosing the data and the network, bound to its variables.
  [[nodiscard]] virtual std::vector<options::Option> data_options() { return {}; }
  [[nodiscard]] virtual std::vector<options::Option> network_options() { return {}; }
  /// The network options that describe the current network; weight files record them.
  [[nodiscard]] virtual std::vector<options::Option> configuration() { return network_options(); }

  /// Its data, their headers checked. Throws DataError.
  [[nodiscard]] virtual std::unique_ptr<data::DatasetSource> open_data() = 0;
  /// Sets its data options to what was found; `folder`: that of the source's files, if it has any.
  virtual void resolve_data(const std::string& /*folder*/) {}

  /// Called before make_network, on all ranks: reads the files that the network options name.
  /// Throws DataError if one is not as `expect_files` says.
  virtual void read_files(const FileReader& /*read*/) {}
  /// SHA-256 (hexadecimal) of each of these files, by option; before they are read, the expected.
  [[nodiscard]] virtual FileDigests file_digests() const { return {}; }
  /// Called for saved weights: what `file_digests` gave when they were trained.
  virtual void expect_files(const FileDigests& /*digests*/) {}
  /// Called for the weights in that file, on rank 0: files that are no longer where the network
  /// options say are looked for beside the weights.
  virtual void look_for_files(const std::filesystem::path& /*weights*/) {}
  /// A network for such samples, as its options say, with initial weights from LibTorch's global
  /// CPU generator, which the caller has seeded. Throws UsageError for options that do not fit.
  [[nodiscard]] virtual model::NetworkPtr make_network(const data::SampleSpec& spec) = 0;
  /// Sets its network options for weights that do not name a task: of earlier versions, or of other
  /// programs. Throws DataError if they are of no network of this task for such samples.
  virtual void recognise(const model::Weights& /*weights*/, const data::SampleSpec& /*spec*/) {}

  /// The loss; null: the one that the options name.
  [[nodiscard]] virtual model::LossFunction loss() { return nullptr; }
};

/// Makes a task whose options have their defaults.
using TaskFactory = std::function<std::unique_ptr<Task>()>;

/// The metadata entry that holds the text of `describe`.
inline constexpr const char* kTaskEntry = "lockstep.task";

/// The entry of a file's metadata that holds data::to_json of the samples it was trained on.
inline constexpr const char* kSamplesEntry = "lockstep.samples";

/// {"name": …, "configuration": {option: value, …}, "files": {option: SHA-256, …}}; without files
/// if no option names one.
[[nodiscard]] nlohmann::ordered_json describe(Task& task);

/// Sets the network options as a description says. Throws DataError, beginning with `where`, if it
/// is not one, or is of another task.
void configure(Task& task, const nlohmann::ordered_json& description, const std::string& where);

/// Sets the network options so that these weights fit: as their metadata say, or as the task
/// recognises them. Throws DataError, also where their metadata name other samples than `spec`.
void configure_for(Task& task, const model::Weights& weights, const data::SampleSpec& spec);

/// What these weights were trained on, if their metadata say so. Throws DataError if the entry is
/// damaged.
[[nodiscard]] std::optional<data::SampleSpec> samples_of(const model::Weights& weights);

}  // namespace lockstep::task
