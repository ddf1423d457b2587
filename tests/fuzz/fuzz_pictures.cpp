// PNG and JPEG files: whatever the bytes, a picture or a DataError.
#include <string>

#include <lockstep/base/error.hpp>

#include "data/picture_file.hpp"
#include "fuzz_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lockstep::tests::FuzzFile file(data, size);
  constexpr std::int64_t kMostPixels = 1 << 20;  // a header may promise more than the time allows
  try {
    const auto header = lockstep::data::read_picture_header(file.path());
    if (header.width * header.height > kMostPixels) return 0;
    const auto bytes =
        lockstep::data::read_picture_file(file.path(), lockstep::data::stamp_of(file.path()));
    const auto pixels = lockstep::data::decode_picture(file.path(), bytes);
    for (const int channels : {1, 3}) (void)lockstep::data::planes_of(pixels, channels);
  } catch (const lockstep::DataError&) {
    return 0;
  }
  return 0;
}
