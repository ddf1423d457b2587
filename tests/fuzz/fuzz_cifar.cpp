// CIFAR's files: whatever the bytes, whole records with labels in range or a DataError, and a name
// for each class or none. The first byte says how a record is laid out.
#include <cstdlib>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>

#include "cifar_file.hpp"
#include "fuzz_file.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_records(const lockstep::data::CifarFile& file,
                  const lockstep::data::CifarRecord& record) {
  std::vector<std::byte> images(file.records() * record.image_bytes);
  std::vector<std::byte> labels(file.records());
  file.read_images(images);
  file.read_labels(labels);
  require(!labels.empty());
  for (const auto label : labels) require(std::to_integer<std::size_t>(label) < record.classes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const lockstep::data::CifarRecord record = {
      .labels = 1U + data[0] % 2, .image_bytes = 6, .classes = data[0] % 2 == 0 ? 10U : 2U};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto names = lockstep::data::parse_class_names(text, record.classes);
  require(names.empty() || names.size() == record.classes);
  (void)nlohmann::json(names).dump();
  const lockstep::tests::FuzzFile file(data + 1, size - 1);
  try {
    read_records(lockstep::data::CifarFile(file.path(), record), record);
  } catch (const lockstep::DataError&) {
    return 0;
  }
  return 0;
}
