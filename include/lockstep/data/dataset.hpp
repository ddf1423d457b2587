// Samples as tensors, and the block of memory that holds them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/data/sample_spec.hpp>

namespace lockstep::data {

/// Inputs [N, …] and targets [N, …], stored as a specification says; views of memory that is owned
/// elsewhere, or owners.
struct Dataset {
  SampleSpec spec{};
  torch::Tensor inputs;
  torch::Tensor targets;
  bool inputs_are_mapped = false;  ///< to a file, and so may still have to be read

  [[nodiscard]] std::int64_t size() const { return targets.size(0); }
  /// The first `count` samples, as views.
  [[nodiscard]] Dataset first(std::int64_t count) const;
  /// The same samples on `device`: a copy, or views if they are already there.
  [[nodiscard]] Dataset to(const torch::Device& device) const;
  /// 0, 1, … size() − 1: all samples, in order.
  [[nodiscard]] std::vector<std::int64_t> indices() const;
};

/// The four parts of a data set, in the order in which a block holds them.
enum class Part : std::uint8_t { kTrainImages, kTrainLabels, kTestImages, kTestLabels };
inline constexpr std::array kAllParts = {Part::kTrainImages, Part::kTrainLabels, Part::kTestImages,
                                         Part::kTestLabels};

/// The name of a part in config.json: "train_images", ….
[[nodiscard]] const char* part_name(Part part);

/// The bytes of each part, by number.
using PartBytes = std::array<std::span<const std::byte>, kAllParts.size()>;

/// Where a part lies in a file.
struct FilePart {
  std::filesystem::path path;
  std::size_t offset = 0;
  bool even_if_small = false;  ///< map it whatever its size, because `fill` takes longer
};

/// Which samples a data set has, how many, and where each part lies in one block of memory.
class DatasetShape {
 public:
  DatasetShape(SampleSpec spec, std::int64_t train_samples, std::int64_t test_samples);

  [[nodiscard]] const SampleSpec& spec() const noexcept { return spec_; }

  [[nodiscard]] std::int64_t train_samples() const noexcept { return train_samples_; }
  [[nodiscard]] std::int64_t test_samples() const noexcept { return test_samples_; }
  [[nodiscard]] std::size_t part_bytes(Part part) const;
  [[nodiscard]] std::size_t block_bytes() const;
  [[nodiscard]] std::span<std::byte> part(Part part, std::span<std::byte> block) const;
  [[nodiscard]] PartBytes parts(std::span<std::byte> block) const;
  /// Tensors over these bytes, which must outlive them and are only read.
  [[nodiscard]] Dataset train(const PartBytes& parts) const;
  [[nodiscard]] Dataset test(const PartBytes& parts) const;
  [[nodiscard]] Dataset train(std::span<std::byte> block) const { return train(parts(block)); }
  [[nodiscard]] Dataset test(std::span<std::byte> block) const { return test(parts(block)); }

 private:
  [[nodiscard]] Dataset view(Part inputs, Part targets, const PartBytes& parts) const;

  SampleSpec spec_;
  std::int64_t train_samples_;
  std::int64_t test_samples_;
};

/// SHA-256 of each part's decoded bytes, by part_name.
using DatasetDigests = std::map<std::string, std::string>;

/// A data set that can be recognised by its digests. Its class names do not apply to other data.
struct KnownData {
  DatasetDigests digests;
  std::string description;
};

/// Where a data set comes from. `fill` may be called for different parts by different processes,
/// and writes the same bytes wherever it is called.
class DatasetSource {
 public:
  DatasetSource() = default;
  virtual ~DatasetSource() = default;
  DatasetSource(const DatasetSource&) = delete;
  DatasetSource& operator=(const DatasetSource&) = delete;
  DatasetSource(DatasetSource&&) = delete;
  DatasetSource& operator=(DatasetSource&&) = delete;

  /// For people: "images and labels in /usr/share/…". The digests tell which data set that is.
  [[nodiscard]] virtual std::string description() const = 0;
  /// The folder of its files; empty if it has none.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// Called by one process of each host, before any of them calls what stands below: does work
  /// that the others then find done. May take minutes. Returns a warning, or "". Throws DataError.
  [[nodiscard]] virtual std::string prepare() { return {}; }
  [[nodiscard]] virtual DatasetShape shape() const = 0;
  /// The known data set that it is, if its digests match.
  [[nodiscard]] virtual std::optional<KnownData> known() const { return std::nullopt; }
  /// Where a part lies in a file byte for byte as `fill` would write it; nothing if it does not.
  [[nodiscard]] virtual std::optional<FilePart> in_file(Part /*part*/) const {
    return std::nullopt;
  }
  /// Writes one part (`shape().part_bytes(...)` bytes). Throws DataError.
  virtual void fill(Part part, std::span<std::byte> destination) = 0;
};

}  // namespace lockstep::data
