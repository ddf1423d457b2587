// config.json: everything that is needed to know what a run was, and to repeat it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <lockstep/session/job.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/node_dataset.hpp>

namespace lockstep::session {

/// Replaces what was left to defaults (batch sizes, seeds, device, folders, …) by the values used.
void resolve_for_record(train::TrainOptions& options, const train::BatchSizes& sizes,
                        const Compute& compute, const train::NodeDataset& dataset, bool overlaps,
                        const std::filesystem::path& folder);

/// Writes folder/config.json. `program`: as in TrainProgram. `digests`: from NodeDataset; they take
/// time to compute. `devices`: what each rank computes on, by rank. Throws RuntimeFailure.
void write_run_record(const std::filesystem::path& folder, const std::string& program,
                      nlohmann::ordered_json options, const runtime::RankLayout& layout,
                      const std::vector<std::string>& devices, const train::NodeDataset& dataset,
                      const train::DatasetDigests& digests);

}  // namespace lockstep::session
