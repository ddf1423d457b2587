#include <fstream>

#include <lockstep/runtime/cpu_model.hpp>

namespace lockstep::runtime {

std::string cpu_model() {
  constexpr const char* kName = "model name";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(kName) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace lockstep::runtime
