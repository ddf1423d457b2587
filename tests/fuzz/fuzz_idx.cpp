// IDX files, plain and gzip: whatever the bytes, elements or a DataError.
#include <vector>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx.hpp>

#include "fuzz_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const lockstep::tests::FuzzFile file(data, size);
  try {
    lockstep::data::IdxFile idx(file.path(), lockstep::data::IdxElements::kBytesOrIntegers);
    std::vector<std::byte> elements(static_cast<std::size_t>(idx.elements() * idx.element_bytes()));
    idx.read_into(elements);
  } catch (const lockstep::DataError&) {
    return 0;
  }
  return 0;
}
