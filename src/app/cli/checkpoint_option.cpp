#include "cli/checkpoint_option.hpp"

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>

namespace lockstep::app {

options::Option checkpoint_option(std::string& file) {
  return {"checkpoint", "the weights: a .safetensors file (required)", options::path(file, "FILE")};
}

void require_checkpoint(const std::string& file) {
  if (file.empty()) throw UsageError("--checkpoint FILE is missing: which weights?");
}

}  // namespace lockstep::app
