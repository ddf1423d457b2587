#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include <lockstep/runtime/process_time.hpp>

namespace lockstep::runtime {

double seconds_since_process_start() {
  constexpr int kFieldsBeforeStart = 19;  // fields after the process name
  std::ifstream stat_file("/proc/self/stat");
  std::ifstream uptime_file("/proc/uptime");
  std::string line;
  double uptime = 0;
  if (!std::getline(stat_file, line) || !(uptime_file >> uptime)) return 0;
  // The name, in parentheses, may contain anything.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < kFieldsBeforeStart; ++i) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return 0;
  return uptime - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace lockstep::runtime
