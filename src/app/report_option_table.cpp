#include <lockstep/app/report_option_table.hpp>
#include <lockstep/options/bindings.hpp>

namespace lockstep::app {

using options::choice;
using options::integers;
using options::OptionTable;
using options::path;

OptionTable report_option_table(ReportOptions& options) {
  using report::AllReduceAlgorithm;
  using Choice = std::optional<AllReduceAlgorithm>;
  constexpr std::int64_t kMaxRanks = 1 << 20;
  return {{"Report",
           {{"predict-ranks",
             "sweep: also predict for these numbers of ranks (default: twice the most measured)",
             integers(options.predict_ranks, 1, kMaxRanks)},
            {"algorithm",
             "sweep: the all-reduce to predict with (default auto: as the measurements have it)",
             choice<Choice>(options.algorithm,
                            {{"auto", Choice()},
                             {"ring", AllReduceAlgorithm::kRing},
                             {"recursive-doubling", AllReduceAlgorithm::kRecursiveDoubling},
                             {"rabenseifner", AllReduceAlgorithm::kRabenseifner},
                             {"shared-memory", AllReduceAlgorithm::kSharedMemory}})},
            {"write-to",
             "folder for the files (default: that of the run or sweep; of several runs: this one)",
             path(options.write_to, "DIR")}}}};
}

}  // namespace lockstep::app
