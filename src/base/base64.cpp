#include <openssl/evp.h>

#include <lockstep/base/base64.hpp>

namespace lockstep {

std::string base64(std::string_view bytes) {
  constexpr std::size_t kBytesIn = 3;
  constexpr std::size_t kCharactersOut = 4;
  // EVP_EncodeBlock ends its text with a zero byte.
  std::string text((bytes.size() + kBytesIn - 1) / kBytesIn * kCharactersOut + 1, '\0');
  const auto written = ::EVP_EncodeBlock(
      reinterpret_cast<unsigned char*>(text.data()),  // NOLINT: OpenSSL's type of bytes
      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(written));
  return text;
}

}  // namespace lockstep
