// Command line, environment and configuration file: whatever the text, values or a UsageError. The
// first line is the file's text with ';' for line ends, the second the command line, the rest are
// variables.
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/options/option_sources.hpp>

#include "fuzz_file.hpp"

namespace {

struct Values {
  std::int64_t number = 0;
  std::int64_t bytes = 0;
  double share = 0;
  std::uint64_t seed = 0;
  bool flag = false;
  bool on = false;
  std::string text;
  std::vector<std::int64_t> list;
};

lockstep::options::OptionTable table_of(Values& values) {
  using namespace lockstep::options;
  return {{"All",
           {{"epochs", "", integer(values.number, 1, 1000)},
            {"min-bytes", "", byte_size(values.bytes, 4, 1 << 30)},
            {"momentum", "", fraction(values.share)},
            {"seed", "", seed(values.seed)},
            {"synthetic", "", flag(values.flag)},
            {"shuffle", "", on_off(values.on)},
            {"output-dir", "", text(values.text, "DIR")},
            {"hidden", "", integers(values.list, 1, 1 << 14)}}}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string all(size, '\0');
  std::copy(data, data + size, all.begin());
  std::replace(all.begin(), all.end(), '\0', ' ');
  std::istringstream lines(all);
  std::string file;
  std::string words;
  std::getline(lines, file);
  std::getline(lines, words);
  std::replace(file.begin(), file.end(), ';', '\n');
  const lockstep::tests::FuzzFile config(reinterpret_cast<const std::uint8_t*>(file.data()),
                                         file.size());
  std::vector<std::string> arguments = {"--config", config.path().string()};
  std::istringstream stream(words);
  for (std::string word; stream >> word;) arguments.push_back(word);
  std::vector<std::string> environment;
  for (std::string line; std::getline(lines, line);) environment.push_back("LOCKSTEP_" + line);
  Values values;
  const auto table = table_of(values);
  try {
    std::vector<std::string> warnings;
    const auto given =
        lockstep::options::collect_options(table, arguments, environment, {"batch-size"}, warnings);
    lockstep::options::apply_options(table, given);
  } catch (const lockstep::UsageError&) {
    return 0;
  }
  return 0;
}
