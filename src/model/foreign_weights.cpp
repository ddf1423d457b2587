#include "foreign_weights.hpp"

#include <array>

#include <fmt/format.h>

namespace lockstep::model {
namespace {

constexpr std::string_view kZip = "PK\x03\x04";

struct Format {
  std::string_view beginning;
  const char* what;
};

constexpr std::array<Format, 8> kFormats = {{
    {"\x93NUMPY",
     "a NumPy array: save the arrays under the parameters' names with safetensors.numpy.save_file"},
    {"\x89HDF\r\n\x1a\n",
     "an HDF5 file, as Keras writes: save its arrays under the parameters' names with "
     "safetensors.numpy.save_file"},
    {"\x1f\x8b", "compressed by gzip: unpack it first"},
    {"GGUF", "a GGUF file: save the weights from Python with safetensors.torch.save_file"},
    {"version https://git-lfs",
     "the pointer that Git LFS leaves in a file's place: `git lfs pull` brings the file"},
    {"<", "a web page or other markup: the download failed?"},
    {"{", "a JSON file: name the .safetensors file beside it"},
    {"\x80",
     nullptr},  // a pickle, which torch.save wrote before PyTorch 1.6; the protocol follows "\x80"
}};

/// The name of a zip archive's first file.
std::string_view first_name_in_zip(std::string_view beginning) {
  constexpr std::size_t kLengthAt = 26;
  constexpr std::size_t kNameAt = 30;
  if (beginning.size() < kNameAt) return {};
  const auto length = static_cast<unsigned char>(beginning[kLengthAt]);
  return beginning.substr(kNameAt, length);
}

std::string of_torch_save(const std::filesystem::path& path) {
  return fmt::format(
      "a file of torch.save, which is not read because loading one may run code: in Python, "
      "`safetensors.torch.save_file(torch.load('{}', map_location='cpu'), 'weights.safetensors')` "
      "converts a state_dict, `safetensors.torch.save_model(model, 'weights.safetensors')` saves "
      "a model",
      path.string());
}

}  // namespace

std::string describe_foreign_weights(std::string_view beginning,
                                     const std::filesystem::path& path) {
  if (beginning.starts_with(kZip)) {
    return first_name_in_zip(beginning).ends_with(".npy")
               ? "an archive of NumPy arrays: `safetensors.numpy.save_file` saves them under the "
                 "parameters' names"
               : of_torch_save(path);
  }
  for (const auto& format : kFormats) {
    if (!beginning.starts_with(format.beginning)) continue;
    return format.what == nullptr ? of_torch_save(path) : format.what;
  }
  return {};
}

}  // namespace lockstep::model
