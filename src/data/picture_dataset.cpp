#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/mapped_file.hpp>
#include <lockstep/data/picture_dataset.hpp>

#include "in_parallel.hpp"
#include "picture_cache.hpp"
#include "picture_folder.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr double kLargestSample = 255;
constexpr std::size_t kDecodedAtOnceBytes = std::size_t{64} << 20U;

std::string text_of(const PictureSize& size) {
  return fmt::format("{} × {}", size.width, size.height);
}

[[noreturn]] void refuse_other_size(const fs::path& first, const PictureSize& size,
                                    const fs::path& other, const PictureSize& other_size) {
  throw DataError(fmt::format("{} has {} pixels, and {} has {}: have all pictures scaled to one "
                              "size",
                              first.string(), text_of(size), other.string(), text_of(other_size)),
                  {"resize"});
}

/// What all pictures become, from their headers.
PictureShape shape_of(const PictureFolder& folder, const std::optional<PictureSize>& resize) {
  std::vector<PictureHeader> headers(static_cast<std::size_t>(folder.size()));
  in_parallel(folder.size(), [&](std::int64_t i) {
    headers[static_cast<std::size_t>(i)] = read_picture_header(folder.path_of(folder.entry(i)));
  });
  const bool in_colour = std::any_of(headers.begin(), headers.end(),
                                     [](const auto& header) { return header.in_colour; });
  const auto size_of = [](const PictureHeader& header) {
    return PictureSize{.height = header.height, .width = header.width};
  };
  const auto size = resize.value_or(size_of(headers.front()));
  const auto other = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return !resize && size_of(header) != size;
  });
  if (other != headers.end()) {
    refuse_other_size(folder.path_of(folder.entry(0)), size,
                      folder.path_of(folder.entry(other - headers.begin())), size_of(*other));
  }
  return {.channels = in_colour ? 3 : 1, .size = size};
}

bool is_of_pictures(Part part) {
  return part == Part::kTrainImages || part == Part::kTestImages;
}

class PictureDataset final : public DatasetSource {
 public:
  PictureDataset(const fs::path& folder, PictureOptions options)
      : folder_(list_pictures(folder)), options_(std::move(options)) {
    if (!options_.cache_folder.empty()) {
      cache_ = options_.cache_folder / cache_name(folder_, options_.resize);
    }
  }

  [[nodiscard]] std::string description() const override {
    return fmt::format("pictures in {}{}", folder_.path.string(),
                       options_.resize ? ", scaled to " + text_of(*options_.resize) : "");
  }
  [[nodiscard]] std::string folder() const override { return folder_.path.string(); }

  [[nodiscard]] DatasetShape shape() const override {
    const auto& [channels, size] = look();
    SampleSpec spec;
    spec.input.shape = {channels, size.height, size.width};
    spec.input.divisor = kLargestSample;
    spec.target = ClassTarget{.classes = static_cast<std::int64_t>(folder_.classes.size()),
                              .names = folder_.classes};
    return {std::move(spec), static_cast<std::int64_t>(folder_.train.size()),
            static_cast<std::int64_t>(folder_.test.size())};
  }

  [[nodiscard]] std::string prepare() override {
    const auto picture = look();
    if (is_cached_ || cache_.empty()) return {};
    try {
      write_cache(picture);
    } catch (const RuntimeFailure& failure) {
      return fmt::format(
          "the decoded pictures are not kept for later runs: {} (LOCKSTEP_CACHE_DIR names another "
          "folder for them)",
          failure.what());
    }
    is_cached_ = find_cache(cache_, folder_) == picture;
    return {};
  }

  [[nodiscard]] std::optional<FilePart> in_file(Part part) const override {
    const auto& picture = look();
    if (!is_of_pictures(part) || !is_cached_) return std::nullopt;
    const auto before = part == Part::kTestImages ? folder_.train.size() * picture.bytes() : 0;
    return FilePart{.path = cache_, .offset = kCacheHeaderBytes + before, .even_if_small = true};
  }

  void fill(Part part, std::span<std::byte> destination) override {
    const bool of_test = part == Part::kTestImages || part == Part::kTestLabels;
    const auto& entries = of_test ? folder_.test : folder_.train;
    if (!is_of_pictures(part)) return fill_labels(entries, destination);
    if (const auto file = in_file(part)) {
      const MappedFile mapped(file->path, file->offset, destination.size());
      std::memcpy(destination.data(), mapped.bytes().data(), destination.size());
      return;
    }
    decode(of_test ? static_cast<std::int64_t>(folder_.train.size()) : 0, destination);
  }

 private:
  /// What all pictures become: as the cache says, or their headers. Reading these takes long.
  const PictureShape& look() const {
    if (shape_) return *shape_;
    if (!cache_.empty()) shape_ = find_cache(cache_, folder_);
    is_cached_ = shape_.has_value();
    if (!is_cached_) shape_ = shape_of(folder_, options_.resize);
    return *shape_;
  }

  /// One picture, as a network gets it.
  void decode_one(const PictureEntry& entry, std::span<std::byte> destination) const {
    const auto path = folder_.path_of(entry);
    const auto& [channels, size] = *shape_;
    const auto planes =
        planes_of(decode_picture(path, read_picture_file(path, entry.stamp)), channels);
    if (!options_.resize && (planes.size(1) != size.height || planes.size(2) != size.width)) {
      throw DataError(
          fmt::format("{}: it changed while the data were read: start again", path.string()));
    }
    const auto picture = resized(planes, size).contiguous();
    std::memcpy(destination.data(), picture.data_ptr(), destination.size());
  }

  /// As many pictures as fit, from number `first` on.
  void decode(std::int64_t first, std::span<std::byte> destination) const {
    const auto bytes = shape_->bytes();
    in_parallel(static_cast<std::int64_t>(destination.size() / bytes), [&](std::int64_t i) {
      decode_one(folder_.entry(first + i),
                 destination.subspan(static_cast<std::size_t>(i) * bytes, bytes));
    });
  }

  void write_cache(const PictureShape& picture) const {
    CacheWriter writer(cache_, folder_, picture);
    const auto together = std::max<std::size_t>(kDecodedAtOnceBytes / picture.bytes(), 1);
    std::vector<std::byte> block;
    for (std::int64_t first = 0; first < folder_.size();) {
      const auto count =
          std::min<std::int64_t>(static_cast<std::int64_t>(together), folder_.size() - first);
      block.resize(static_cast<std::size_t>(count) * picture.bytes());
      decode(first, block);
      writer.append(block);
      first += count;
    }
    writer.publish(folder_);
  }

  void fill_labels(const std::vector<PictureEntry>& entries,
                   std::span<std::byte> destination) const {
    const auto count = static_cast<std::int64_t>(entries.size());
    auto labels = torch::empty({count}, torch::kInt64);
    auto* label = labels.data_ptr<std::int64_t>();
    for (const auto& entry : entries) *label++ = entry.label;
    torch::from_blob(destination.data(), {count}, shape().spec().target_type()).copy_(labels);
  }

  PictureFolder folder_;
  PictureOptions options_;
  fs::path cache_;  // its file; empty: none
  // Found out when they are first asked for.
  mutable std::optional<PictureShape> shape_;
  mutable bool is_cached_ = false;
};

}  // namespace

std::unique_ptr<DatasetSource> open_picture_dataset(const fs::path& folder,
                                                    const PictureOptions& options) {
  return std::make_unique<PictureDataset>(folder, options);
}

}  // namespace lockstep::data
