#include "gzip_member.hpp"

#include <libdeflate.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace lockstep::data {
namespace {

struct DecoderDeleter {
  void operator()(libdeflate_decompressor* decoder) const { libdeflate_free_decompressor(decoder); }
};

bool read_all(int descriptor, std::span<unsigned char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got =
        ::pread(descriptor, &bytes[done], bytes.size() - done, static_cast<::off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  return true;
}

}  // namespace

bool decode_gzip_member(int descriptor, std::int64_t file_bytes, std::int64_t skip,
                        std::span<unsigned char> destination) {
  const auto decoded_bytes = static_cast<std::size_t>(skip) + destination.size();
  // More than incompressible data needs: whatever it is, it is not worth the memory.
  constexpr std::int64_t kOverheadBytes = 1 << 16;
  if (file_bytes > static_cast<std::int64_t>(decoded_bytes + decoded_bytes / 8) + kOverheadBytes) {
    return false;
  }
  const auto size = static_cast<std::size_t>(file_bytes);
  // Arrays, since these are not zeroed. NOLINTBEGIN(modernize-avoid-c-arrays)
  const auto compressed = std::make_unique_for_overwrite<unsigned char[]>(size);
  if (!read_all(descriptor, {compressed.get(), size})) return false;
  const std::unique_ptr<libdeflate_decompressor, DecoderDeleter> decoder(
      libdeflate_alloc_decompressor());
  if (!decoder) return false;
  const auto decoded = std::make_unique_for_overwrite<unsigned char[]>(decoded_bytes);
  // NOLINTEND(modernize-avoid-c-arrays)
  std::size_t consumed = 0;
  std::size_t produced = 0;
  const auto result = libdeflate_gzip_decompress_ex(
      decoder.get(), compressed.get(), size, decoded.get(), decoded_bytes, &consumed, &produced);
  if (result != LIBDEFLATE_SUCCESS || consumed != size || produced != decoded_bytes) return false;
  std::memcpy(destination.data(), &decoded[static_cast<std::size_t>(skip)], destination.size());
  return true;
}

}  // namespace lockstep::data
