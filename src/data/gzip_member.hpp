// Decoding a gzip file at once.
#pragma once

#include <cstdint>
#include <span>

namespace lockstep::data {

/// Decodes a file of one gzip member, leaves out the first `skip` decoded bytes and puts the rest
/// into `destination`. True if that filled `destination` exactly and the CRC is right. Otherwise
/// `destination` may hold anything; why, a streaming decoder can tell.
/// Takes memory for the file and for what it decodes to, `skip` + `destination`.
/// Source: RFC 1952; libdeflate.
[[nodiscard]] bool decode_gzip_member(int descriptor, std::int64_t file_bytes, std::int64_t skip,
                                      std::span<unsigned char> destination);

}  // namespace lockstep::data
