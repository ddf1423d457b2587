// Decoding a gzip file in one go.
#pragma once

#include <cstdint>
#include <span>

namespace lockstep::data {

/// Decodes a file of one gzip member, skips the first `skip` decoded bytes and writes the rest to
/// `destination`. True if that filled `destination` exactly and the CRC is right. Otherwise
/// `destination` may hold anything, and a streaming decoder can tell why. Needs memory for the file
/// and for what it decodes to, `skip` + `destination`.
/// Source: RFC 1952; libdeflate.
[[nodiscard]] bool decode_gzip_member(int descriptor, std::int64_t file_bytes, std::int64_t skip,
                                      std::span<unsigned char> destination);

}  // namespace lockstep::data
