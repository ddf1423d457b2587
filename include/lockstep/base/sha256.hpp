// SHA-256 digests, computed by OpenSSL's libcrypto.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace lockstep {

using Sha256Digest = std::array<std::byte, 32>;

/// Incremental SHA-256 (FIPS 180-4). Not thread-safe; one object per digest.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  /// The digest of everything given so far; the object must not be used afterwards.
  [[nodiscard]] Sha256Digest finish();

 private:
  struct ContextDeleter {
    void operator()(void* context) const noexcept;
  };
  std::unique_ptr<void, ContextDeleter> context_;
};

/// Lower-case hexadecimal, 64 characters.
[[nodiscard]] std::string to_hex(const Sha256Digest& digest);

/// The digest of `bytes`, as `to_hex` writes it.
[[nodiscard]] std::string sha256_of(std::span<const std::byte> bytes);

}  // namespace lockstep
