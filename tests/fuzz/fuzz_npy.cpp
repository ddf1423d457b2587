// NumPy's files: whatever the bytes, elements or a DataError.
#include <vector>

#include <lockstep/base/error.hpp>

#include "fuzz_file.hpp"
#include "npy_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lockstep::tests::FuzzFile file(data, size);
  try {
    const lockstep::data::NpyFile array(file.path());
    std::vector<std::byte> elements(array.bytes());
    array.read(0, elements);
  } catch (const lockstep::DataError&) {
    return 0;
  }
  return 0;
}
