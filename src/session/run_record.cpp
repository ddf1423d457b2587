#include "run_record.hpp"

#include <utility>

#include <torch/version.h>

#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/version.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/mpi_session.hpp>

namespace lockstep::session {
namespace {

constexpr const char* kLockstepTrain = "lockstep train";

/// Null if LibTorch computes with another library.
nlohmann::ordered_json openblas_kernels() {
  auto core = runtime::openblas_core_in_use();
  if (core.empty()) return nullptr;
  return core;
}

}  // namespace

void resolve_for_record(train::TrainOptions& options, const train::BatchSizes& sizes,
                        const Compute& compute, const train::NodeDataset& dataset, bool overlaps,
                        const std::filesystem::path& folder) {
  options.data.train_samples = dataset.train.size();
  options.data.test_samples = dataset.test.size();
  options.data.normalization = dataset.normalization;
  options.sampling.batch_size = sizes.batch_size();
  options.sampling.global_batch_size = sizes.global();
  options.sampling.data_seed = train::data_seed_of(options.sampling);
  options.optimization.weight_decay = train::weight_decay_of(options.optimization);
  options.distribution.threads = compute.threads;
  options.distribution.backend =
      comm::choose_backend(options.distribution.backend, compute.gpu != nullptr);
  options.distribution.overlap = overlaps ? train::Overlap::kOn : train::Overlap::kOff;
  options.distribution.device =
      compute.device.is_cuda() ? runtime::DeviceRequest::kCuda : runtime::DeviceRequest::kCpu;
  options.output.output_dir = folder.string();
}

void write_run_record(const std::filesystem::path& folder, const std::string& program,
                      nlohmann::ordered_json options, const runtime::RankLayout& layout,
                      const std::vector<std::string>& devices, const train::NodeDataset& dataset,
                      const train::DatasetDigests& digests) {
  nlohmann::ordered_json record = {{"schema", 1},
                                   {"options", std::move(options)},
                                   {"world_size", layout.world_size},
                                   {"hosts", layout.hosts},
                                   {"devices", devices},
                                   {"versions",
                                    {{"lockstep", version()},
                                     {"git_revision", git_revision()},
                                     {"mpi", runtime::mpi_library_version()},
                                     {"libtorch", TORCH_VERSION},
                                     {"openblas_kernels", openblas_kernels()},
                                     {"compiler", __VERSION__}}},
                                   {"dataset",
                                    {{"description", dataset.describe(digests)},
                                     {"train_samples", dataset.train.size()},
                                     {"test_samples", dataset.test.size()},
                                     {"sha256", digests}}}};
  if (program != kLockstepTrain) record["program"] = program;
  write_file_atomically(folder / "config.json", json_document(record));
}

}  // namespace lockstep::session
