// The NCCL calls that Lockstep makes, as one interface: the real library is bound to it, and tests
// bind a simulated one.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include <lockstep/runtime/cuda_api.hpp>

struct ncclComm;  // NCCL's own opaque type, so that no header of NCCL is needed here

namespace lockstep::comm {

using NcclHandle = ncclComm*;
using NcclUniqueId = std::array<char, 128>;

inline constexpr int kNcclSuccess = 0;
inline constexpr int kNcclInProgress = 7;  ///< ncclInProgress, from non-blocking communicators

/// Every call returns NCCL's status; on a non-blocking communicator, "in progress" is not a
/// failure. Calls on one communicator come from one thread at a time.
/// Source: NCCL API, https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api.html
class NcclApi {
 public:
  NcclApi() = default;
  virtual ~NcclApi() = default;
  NcclApi(const NcclApi&) = delete;
  NcclApi& operator=(const NcclApi&) = delete;
  NcclApi(NcclApi&&) = delete;
  NcclApi& operator=(NcclApi&&) = delete;

  /// Versions of the header and of the library in this process, in NCCL's numbering: 22705 is
  /// 2.27.5.
  [[nodiscard]] virtual int compiled_version() const noexcept = 0;
  virtual int loaded_version(int* version) = 0;

  [[nodiscard]] virtual std::string error_text(int code) const = 0;
  /// The last message of the library, about whatever thread or communicator: only a hint.
  [[nodiscard]] virtual std::string last_error() const = 0;

  virtual int unique_id(NcclUniqueId* id) = 0;
  /// Non-blocking: poll async_error. Collective.
  virtual int init(NcclHandle* communicator, int ranks, const NcclUniqueId& id, int rank) = 0;
  /// `state`: in progress, success, or how an operation failed.
  virtual int async_error(NcclHandle communicator, int* state,
                          runtime::CallSite site = runtime::CallSite::current()) = 0;
  /// Collective; poll async_error.
  virtual int finalize(NcclHandle communicator) = 0;
  /// These two may block for as long as a peer is stuck.
  virtual int destroy(NcclHandle communicator) = 0;
  virtual int abort(NcclHandle communicator) = 0;

  /// Sums `count` floats over all ranks, in the order of `stream`. Collective.
  virtual int all_reduce(const float* send, float* receive, std::size_t count,
                         NcclHandle communicator, runtime::CudaStreamHandle stream) = 0;
  /// Sends to or receives from one other rank, in the order of `stream`. Calls between the start
  /// and the end of a group are one operation, whose failures and "in progress" the end returns.
  virtual int send(const float* values, std::size_t count, int peer, NcclHandle communicator,
                   runtime::CudaStreamHandle stream) = 0;
  virtual int receive(float* values, std::size_t count, int peer, NcclHandle communicator,
                      runtime::CudaStreamHandle stream) = 0;
  virtual int group_start() = 0;
  virtual int group_end() = 0;
};

/// The real NCCL; null in a build without CUDA.
[[nodiscard]] std::unique_ptr<NcclApi> make_nccl_api();

/// "2.27.5" for 22705.
[[nodiscard]] std::string nccl_version_text(int version);

}  // namespace lockstep::comm
