// Reference results of PyTorch, from tests/golden.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

namespace lockstep::tests {

/// The part of a file under `key`, by value: a reference into a temporary would dangle.
inline nlohmann::json load_golden(const std::string& name, const std::string& key) {
  const std::string path = std::string(LOCKSTEP_GOLDEN_DIR) + "/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return nlohmann::json::parse(file).at(key);
}

}  // namespace lockstep::tests
