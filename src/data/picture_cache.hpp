// A file of decoded pictures, which later runs map instead of decoding them again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include <lockstep/base/file.hpp>
#include <lockstep/data/picture.hpp>

#include "picture_folder.hpp"

namespace lockstep::data {

struct PictureShape {
  std::int64_t channels = 0;
  PictureSize size{};

  [[nodiscard]] std::size_t bytes() const {
    return static_cast<std::size_t>(channels * size.height * size.width);
  }
  [[nodiscard]] bool operator==(const PictureShape&) const = default;
};

/// Where the pictures begin in a cache: behind its header.
inline constexpr std::size_t kCacheHeaderBytes = 4096;

/// The name of the cache of these pictures in this size: it changes with the name, length or time
/// of change of any of them.
[[nodiscard]] std::string cache_name(const PictureFolder& folder,
                                     const std::optional<PictureSize>& resize);

/// The shape of the pictures in a cache; nothing if there is none at `path`, or it is not whole, or
/// not of so many pictures.
[[nodiscard]] std::optional<PictureShape> find_cache(const std::filesystem::path& path,
                                                     const PictureFolder& folder);

/// Writes a cache under a name of its own; `publish` gives it its final one. Without that, nothing
/// is left. Throws RuntimeFailure naming the file and the reason.
class CacheWriter {
 public:
  /// Makes the folder, and removes what killed runs left in it.
  CacheWriter(std::filesystem::path path, const PictureFolder& folder, const PictureShape& shape);
  ~CacheWriter();
  CacheWriter(const CacheWriter&) = delete;
  CacheWriter& operator=(const CacheWriter&) = delete;
  CacheWriter(CacheWriter&&) = delete;
  CacheWriter& operator=(CacheWriter&&) = delete;

  void append(std::span<const std::byte> pictures);
  /// The first of several writers wins: another process may have mapped its file already.
  void publish(const PictureFolder& folder);

 private:
  std::filesystem::path path_;
  std::string temporary_;
  FileDescriptor file_;
};

}  // namespace lockstep::data
