// A data set of pictures in folders, and its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>
#include <lockstep/data/picture_dataset.hpp>

#include "picture_bytes.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {

/// A grey PNG of one value.
inline std::string grey_png(std::uint8_t value, unsigned width = 2, unsigned height = 1) {
  return bytes_of(Png{.width = width,
                      .height = height,
                      .samples = std::vector<std::uint8_t>(std::size_t{width} * height, value)});
}

/// Samples that look random, and are the same everywhere.
inline std::vector<std::uint8_t> noise(std::size_t count, std::uint32_t seed = 1) {
  std::vector<std::uint8_t> samples(count);
  for (auto& sample : samples) {
    seed = seed * 1664525U + 1013904223U;
    sample = static_cast<std::uint8_t>(seed >> 24U);
  }
  return samples;
}

/// [height, width, 3] → [3, height, width].
inline std::vector<std::uint8_t> planes_of_rgb(const std::vector<std::uint8_t>& samples) {
  std::vector<std::uint8_t> planes;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t i = channel; i < samples.size(); i += 3) planes.push_back(samples[i]);
  }
  return planes;
}

class PictureFolders {
 public:
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  /// `name`: "train/cat/1.png".
  void write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_bytes(folder_ / name, bytes);
  }
  /// One class with these training pictures, in this order: train/a/10.png, train/a/11.png, ….
  void write_training(const std::vector<std::string>& pictures) const {
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      write("train/a/" + std::to_string(10 + i) + ".png", pictures[i]);
    }
    write("test/a/1.png", pictures.front());
  }
  [[nodiscard]] std::unique_ptr<data::DatasetSource> open(
      const data::PictureOptions& options = {}) const {
    return data::open_picture_dataset(folder_.path(), options);
  }
  /// A part as `fill` writes it.
  static std::vector<std::uint8_t> filled(data::DatasetSource& source, data::Part part) {
    std::vector<std::uint8_t> bytes(source.shape().part_bytes(part));
    source.fill(part, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }
  [[nodiscard]] std::vector<std::uint8_t> training_pictures(
      const data::PictureOptions& options = {}) const {
    return filled(*open(options), data::Part::kTrainImages);
  }
  /// Reads all of it, so that whatever is wrong with it is said.
  void read_all(const data::PictureOptions& options = {}) const {
    const auto source = open(options);
    for (const auto part : data::kAllParts) (void)filled(*source, part);
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace lockstep::tests
