// All-reduce through memory shared by the ranks of a node, and MPI between nodes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/node_memory.hpp>

#include "mpi_communicator.hpp"
#include "node_barrier.hpp"
#include "operation_queue.hpp"

namespace lockstep::comm {

/// `allocate` gives each rank of a node a part of one shared window. In an all-reduce, each of the
/// node's ranks owns a slice: it adds up all ranks' slices, always in the order of one tree; the
/// owners of the same slice on all nodes all-reduce it over MPI; and each writes the sum to all
/// ranks of its node. Nothing is copied, and two barriers of flags replace messages. Everything
/// else goes through MPI.
///
/// A rank that does not reach a barrier within the time-out is named in a RuntimeFailure.
/// Source: S. Jain et al., "Framework for scalable intra-node collective operations using shared
/// memory", SC 2018.
class NodeSharedCommunicator final : public Communicator {
 public:
  /// Collective.
  NodeSharedCommunicator(const CommunicatorOptions& options, const runtime::RankLayout& layout);
  ~NodeSharedCommunicator() override;
  NodeSharedCommunicator(const NodeSharedCommunicator&) = delete;
  NodeSharedCommunicator& operator=(const NodeSharedCommunicator&) = delete;
  NodeSharedCommunicator(NodeSharedCommunicator&&) = delete;
  NodeSharedCommunicator& operator=(NodeSharedCommunicator&&) = delete;

  [[nodiscard]] int rank() const noexcept override { return mpi_.rank(); }
  [[nodiscard]] int size() const noexcept override { return mpi_.size(); }
  std::span<float> allocate(std::size_t elements) override;
  Completion all_reduce(std::span<const float> send, std::span<float> receive) override;
  Completion all_reduce(std::span<double> buffer) override;
  Completion broadcast(std::span<std::byte> buffer, int root) override;
  Completion all_gather(std::span<const std::byte> send, std::span<std::byte> receive) override;
  void barrier() override;
  [[nodiscard]] bool overlaps() const noexcept override { return queue_ != nullptr; }

 private:
  struct Nodes;  // MPI's part, so that <mpi.h> stays out of headers

  /// The memory of one `allocate`: the parts of the node's ranks, one after another.
  struct Window {
    runtime::NodeMemory memory;
    std::size_t part_bytes;
  };
  /// The same range in the part of every local rank.
  struct Parts {
    std::byte* first;
    std::size_t part_bytes;
    std::size_t elements;
    [[nodiscard]] std::span<float> of(int local_rank) const;
  };

  [[nodiscard]] std::optional<Parts> find(const float* data, std::size_t elements) const;
  void reduce(const Parts& send, const Parts& receive);
  void add_up(const Parts& send, const Parts& receive, std::size_t begin, std::size_t end);
  [[nodiscard]] bool spans_nodes() const { return layout_.world_size != layout_.local_size; }
  void wait_for_node(std::size_t elements, std::string_view guess);
  Completion submit(std::function<void()> operation);

  runtime::RankLayout layout_;
  std::chrono::duration<double> timeout_;
  MpiCommunicator mpi_;
  std::unique_ptr<Nodes> nodes_;
  NodeBarrier barrier_;
  std::vector<Window> windows_;
  std::vector<const float*> addends_;  // of the slice being added up, one per local rank
  std::vector<float*> results_;
  std::unique_ptr<OperationQueue> queue_;  // last, so that its thread ends first
};

}  // namespace lockstep::comm
