#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <torch/version.h>

#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/runtime/cuda_devices.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/shared_options.hpp>
#include <lockstep/session/version_text.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"
#include "commands/doctor/rank_facts.hpp"

namespace lockstep::app {
namespace {

using Json = nlohmann::ordered_json;

/// The options that decide where ranks compute and what data they read, and how the findings are
/// shown.
struct DoctorOptions {
  std::string data_dir;
  task::BuiltinTask task;
  bool json = false;
  train::DistributionOptions distribution;
};

options::OptionTable doctor_option_table(DoctorOptions& options) {
  return {{"Doctor",
           {{"json", "print the findings as JSON", options::flag(options.json)},
            {"data-dir", "folder of the data set, as for train",
             options::path(options.data_dir, "DIR")},
            options.task.dataset_option(),
            session::device_option(options.distribution),
            session::threads_option(options.distribution)}}};
}

constexpr const char* kDoctorUsage =
    "Usage: [mpirun -np N] lockstep doctor [options]\n\n"
    "Shows what this machine, launcher and GPU set-up is, and what is wrong with it. Start it as\n"
    "you would start train. Exit code 1 if anything is in error.\n\n";

/// Reads the data set of this host into `facts`.
void look_at_data(DoctorOptions& options, RankFacts& facts) {
  try {
    options.task.resolve_data(options.data_dir);
    const auto source = options.task.open_data();
    const auto known = source->known();
    const auto shape = source->shape();
    std::vector<std::byte> block(shape.block_bytes());
    for (const auto part : data::kAllParts) {
      const auto bytes = shape.part(part, block);
      source->fill(part, bytes);
      const auto text = sha256_of(bytes);
      if (known && text != known->digests.at(data::part_name(part))) {
        facts.data_as_published = false;
      }
      facts.data += text;
    }
    facts.data_description = source->description();
    if (known && facts.data_as_published) {
      facts.data_description = known->description + ", as published";
    }
  } catch (const Error& error) {
    facts.data_trouble = error.what();
  }
}

/// Findings about the data set of rank 0's host.
std::vector<Finding> data_set(const RankFacts& rank) {
  if (rank.data.empty()) return {};  // its trouble is among the findings of the ranks' agreement
  if (rank.data_as_published) return {{Finding::Level::kOk, rank.data_description}};
  return {{Finding::Level::kWarning, rank.data_description,
           "if that is not intended, fetch them with launch/fetch-data.sh"}};
}

double seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

Json version_or_null(int version, const std::string& text) {
  return version == 0 ? Json(nullptr) : Json(text);
}

Json report(const std::vector<RankFacts>& ranks, const std::vector<Finding>& findings) {
  const auto& rank = ranks.front();
  Json document = {{"schema", 1}, {"findings", Json::array()}};
  for (const auto& finding : findings) {
    document["findings"].push_back(
        {{"level", level_name(finding.level)}, {"what", finding.what}, {"remedy", finding.remedy}});
  }
  document["mpi"] = {{"compiled", runtime::mpi_compiled_version()},
                     {"loaded", runtime::mpi_library_version()},
                     {"ranks", ranks.size()}};
  document["torch"] = {{"compiled", TORCH_VERSION}, {"cuda", rank.built_with_cuda}};
  document["nccl"] = nullptr;
  document["cuda"] = nullptr;
  if (rank.built_with_cuda) {
    document["nccl"] = {{"compiled", comm::nccl_version_text(rank.nccl_compiled)},
                        {"loaded", comm::nccl_version_text(rank.nccl_loaded)}};
    document["cuda"] = {
        {"runtime",
         version_or_null(rank.cuda_runtime, runtime::cuda_version_text(rank.cuda_runtime))},
        {"driver", version_or_null(rank.cuda_driver, runtime::cuda_version_text(rank.cuda_driver))},
        {"devices", Json::array()}};
    for (const auto& device : runtime::query_cuda_system().devices) {
      document["cuda"]["devices"].push_back({{"name", device.name},
                                             {"uuid", device.uuid},
                                             {"memory_bytes", device.memory_bytes},
                                             {"compute_capability", device.compute_capability},
                                             {"peers", device.peers}});
    }
  }
  document["blas"] = nullptr;
  if (!rank.openblas_kernels.empty()) {
    document["blas"] = {{"library", "OpenBLAS"}, {"kernels", rank.openblas_kernels}};
  }
  document["ranks"] = Json::array();
  for (const auto& facts : ranks) document["ranks"].push_back(as_json(facts));
  return document;
}

std::string table_text(const std::vector<RankFacts>& ranks, const std::vector<Finding>& findings) {
  auto text = fmt::format("{}\n{:>5} {:<20} {:<8} {:>6} {:>8}\n", session::version_text(), "rank",
                          "host", "device", "cores", "threads");
  for (const auto& rank : ranks) {
    text += fmt::format("{:>5} {:<20} {:<8} {:>6} {:>8}\n", rank.rank, rank.host, rank.device,
                        rank.cores, rank.threads);
  }
  text += '\n';
  for (const auto& finding : findings) {
    text += fmt::format("{:<8} {}{}{}\n", level_name(finding.level), finding.what,
                        finding.remedy.empty() ? "" : ": ", finding.remedy);
  }
  return text;
}

void doctor(session::Job& job, DoctorOptions& options) {
  auto mine = collect_facts(job, options.distribution);
  if (job.layout.local_rank == 0) look_at_data(options, mine);
  job.control->barrier();
  mine.clock_seconds = seconds_since_1970();
  const auto ranks = gather_facts(job, mine);
  std::vector<Finding> findings;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    findings = diagnose(ranks);
    const auto data = data_set(ranks.front());
    findings.insert(findings.end(), data.begin(), data.end());
    write_standard_output(options.json ? json_document(report(ranks, findings))
                                       : table_text(ranks, findings));
  });
  std::array<double, 1> errors = {
      static_cast<double>(std::count_if(findings.begin(), findings.end(), [](const auto& finding) {
        return finding.level == Finding::Level::kError;
      }))};
  job.control->all_reduce(std::span<double>(errors)).wait();
  if (errors[0] > 0) {
    comm::fail_together(*job.control,
                        fmt::format("{} of these findings {} an error: each says what to do",
                                    errors[0], errors[0] == 1 ? "is" : "are"));
  }
}

int run_doctor(const Arguments& arguments) {
  DoctorOptions options;
  auto command = make_command("doctor", kDoctorUsage, doctor_option_table(options));
  command.others = session::OtherLaunchers::kAllowed;
  return session::run_command(command, arguments, [&](session::Job& job) { doctor(job, options); });
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .operands = "",
          .summary = "what this machine and launcher are, and what is wrong with them",
          .with_table = table_for(doctor_option_table),
          .run = run_doctor};
}

}  // namespace lockstep::app
