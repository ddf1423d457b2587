// Safetensors files: whatever the bytes, tensors or a DataError.
#include <lockstep/base/error.hpp>
#include <lockstep/model/safetensors.hpp>

#include "fuzz_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lockstep::tests::FuzzFile file(data, size);
  try {
    lockstep::model::SafetensorsMetadata metadata;
    (void)lockstep::model::read_safetensors(file.path(), &metadata);
  } catch (const lockstep::DataError&) {
    return 0;
  }
  return 0;
}
