// NCCL without NCCL: non-blocking communicators over simulated streams, between real MPI ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mpi.h>

#include <lockstep/comm/nccl_api.hpp>

#include "simulated_cuda.hpp"

namespace lockstep::simulator {

/// Calls answer "in progress" and take effect polls later; a collective starts when it heads its
/// stream on every rank, and never ends if the counts differ or a rank does not come; memory is
/// read and written when it runs; an abort releases what waits. Sums are those of one tree over
/// ranks, paired by the highest bit of their number. Uses that NCCL refuses are refused and
/// reported to the simulated device.
class SimulatedNccl : public comm::NcclApi {
 public:
  /// Collective.
  explicit SimulatedNccl(std::shared_ptr<SimulatedCuda> cuda);
  /// Collective: waits for the messages that are under way. Nothing may use the communicators then.
  void end();

  [[nodiscard]] int compiled_version() const noexcept override { return kVersion; }
  int loaded_version(int* version) override;
  [[nodiscard]] std::string error_text(int code) const override;
  [[nodiscard]] std::string last_error() const override { return {}; }
  int unique_id(comm::NcclUniqueId* id) override;
  int init(comm::NcclHandle* communicator, int ranks, const comm::NcclUniqueId& id,
           int rank) override;
  int async_error(comm::NcclHandle communicator, int* state, runtime::CallSite site) override;
  int finalize(comm::NcclHandle communicator) override;
  int destroy(comm::NcclHandle communicator) override;
  int abort(comm::NcclHandle communicator) override;
  int all_reduce(const float* send, float* receive, std::size_t count,
                 comm::NcclHandle communicator, runtime::CudaStreamHandle stream) override;
  /// Only as a pair in a group, to and from the same rank: all that Lockstep does.
  int send(const float* values, std::size_t count, int peer, comm::NcclHandle communicator,
           runtime::CudaStreamHandle stream) override;
  int receive(float* values, std::size_t count, int peer, comm::NcclHandle communicator,
              runtime::CudaStreamHandle stream) override;
  int group_start() override;
  int group_end() override;

  [[nodiscard]] std::size_t live_communicators() const { return communicators_.size(); }

 private:
  static constexpr int kVersion = 22'705;
  using Floats = std::vector<float>;
  struct State;
  struct Collective;
  /// What a group holds before its end.
  struct Group {
    comm::NcclHandle communicator = nullptr;
    runtime::CudaStreamHandle stream = nullptr;
    std::span<const float> sent;
    std::span<float> received;
    int to = -1;
    int from = -1;
  };

  State* find(comm::NcclHandle communicator);
  int begin(State& state, std::function<void()> effect);
  static void take_effect(State& state);
  void enqueue(Collective collective, runtime::CudaStreamHandle stream);
  bool run(Collective& collective);
  void send_to(const Collective& collective, int peer);
  void move_messages();

  std::shared_ptr<SimulatedCuda> cuda_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::map<comm::NcclHandle, std::shared_ptr<State>> communicators_;
  std::unique_ptr<Group> group_;                 // between group_start and group_end
  std::map<std::pair<int, int>, Floats> inbox_;  // by number of the collective, and rank
  std::vector<std::pair<MPI_Request, std::shared_ptr<Floats>>> outbox_;
};

}  // namespace lockstep::simulator
