// The interface of NCCL's calls, bound to the real library.
#include <nccl.h>

#include <cstring>

#include <lockstep/comm/nccl_api.hpp>

namespace lockstep::comm {
namespace {

static_assert(ncclSuccess == kNcclSuccess && ncclInProgress == kNcclInProgress);
static_assert(sizeof(ncclUniqueId) == sizeof(NcclUniqueId));

class BoundNccl final : public NcclApi {
 public:
  [[nodiscard]] int compiled_version() const noexcept override { return NCCL_VERSION_CODE; }
  int loaded_version(int* version) override { return ncclGetVersion(version); }
  [[nodiscard]] std::string error_text(int code) const override {
    return ncclGetErrorString(static_cast<ncclResult_t>(code));
  }
  [[nodiscard]] std::string last_error() const override { return ncclGetLastError(nullptr); }

  int unique_id(NcclUniqueId* id) override {
    ncclUniqueId made{};
    const auto code = ncclGetUniqueId(&made);
    std::memcpy(id->data(), &made, sizeof(made));
    return code;
  }
  int init(NcclHandle* communicator, int ranks, const NcclUniqueId& id, int rank) override {
    ncclUniqueId shared{};
    std::memcpy(&shared, id.data(), sizeof(shared));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return ncclCommInitRankConfig(communicator, ranks, shared, rank, &config);
  }
  int async_error(NcclHandle communicator, int* state, runtime::CallSite /*site*/) override {
    ncclResult_t result = ncclSuccess;
    const auto code = ncclCommGetAsyncError(communicator, &result);
    *state = result;
    return code;
  }
  int finalize(NcclHandle communicator) override { return ncclCommFinalize(communicator); }
  int destroy(NcclHandle communicator) override { return ncclCommDestroy(communicator); }
  int abort(NcclHandle communicator) override { return ncclCommAbort(communicator); }
  int all_reduce(const float* send, float* receive, std::size_t count, NcclHandle communicator,
                 runtime::CudaStreamHandle stream) override {
    return ncclAllReduce(send, receive, count, ncclFloat32, ncclSum, communicator, stream);
  }
  int send(const float* values, std::size_t count, int peer, NcclHandle communicator,
           runtime::CudaStreamHandle stream) override {
    return ncclSend(values, count, ncclFloat32, peer, communicator, stream);
  }
  int receive(float* values, std::size_t count, int peer, NcclHandle communicator,
              runtime::CudaStreamHandle stream) override {
    return ncclRecv(values, count, ncclFloat32, peer, communicator, stream);
  }
  int group_start() override { return ncclGroupStart(); }
  int group_end() override { return ncclGroupEnd(); }
};

}  // namespace

std::unique_ptr<NcclApi> make_nccl_api() {
  return std::make_unique<BoundNccl>();
}

}  // namespace lockstep::comm
