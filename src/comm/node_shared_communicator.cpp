#include "node_shared_communicator.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>

#include "owned_comm.hpp"
#include "vector_sum.hpp"

namespace lockstep::comm {

using runtime::check_mpi;

namespace {

constexpr std::size_t kCacheLineFloats = 16;

std::size_t rounded_up_to_pages(std::size_t bytes) {
  constexpr std::size_t kPageBytes = 4096;
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

/// The beginning of slice `index` of `slices`, on a cache line, so that no two ranks write to the
/// same line.
std::size_t slice_begin(std::size_t elements, int index, int slices) {
  const auto lines = (elements + kCacheLineFloats - 1) / kCacheLineFloats;
  const auto line = lines * static_cast<std::size_t>(index) / static_cast<std::size_t>(slices);
  return std::min(elements, line * kCacheLineFloats);
}

}  // namespace

struct NodeSharedCommunicator::Nodes {
  OwnedComm owners;  // of this rank's slice, one per node; null if it owns none
  int slices;        // as many on every node as the smallest has ranks

  explicit Nodes(const runtime::RankLayout& layout) : slices(layout.local_size) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, &slices, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD),
              "MPI_Allreduce of the nodes' sizes");
    const bool owns = layout.local_rank < slices;
    check_mpi(MPI_Comm_split(MPI_COMM_WORLD, owns ? layout.local_rank : MPI_UNDEFINED, layout.rank,
                             owners.address()),
              "MPI_Comm_split by slice");
  }
};

NodeSharedCommunicator::NodeSharedCommunicator(const CommunicatorOptions& options,
                                               const runtime::RankLayout& layout)
    : layout_(layout),
      timeout_(options.timeout),
      mpi_(false),
      nodes_(std::make_unique<Nodes>(layout)),
      barrier_(layout),
      addends_(static_cast<std::size_t>(layout.local_size)),
      results_(static_cast<std::size_t>(layout.local_size)),
      queue_(options.progress_thread ? std::make_unique<OperationQueue>() : nullptr) {}

NodeSharedCommunicator::~NodeSharedCommunicator() = default;

std::span<float> NodeSharedCommunicator::Parts::of(int local_rank) const {
  auto* const bytes = first + static_cast<std::size_t>(local_rank) * part_bytes;
  return {reinterpret_cast<float*>(bytes), elements};
}

std::span<float> NodeSharedCommunicator::allocate(std::size_t elements) {
  const auto part_bytes = rounded_up_to_pages(elements * sizeof(float));
  const auto ranks = static_cast<std::size_t>(layout_.local_size);
  windows_.push_back({runtime::NodeMemory(ranks * part_bytes, layout_), part_bytes});
  const Parts parts{windows_.back().memory.bytes().data(), part_bytes, elements};
  const auto mine = parts.of(layout_.local_rank);
  std::fill(mine.begin(), mine.end(), 0.0F);
  windows_.back().memory.synchronize();
  return mine;
}

std::optional<NodeSharedCommunicator::Parts> NodeSharedCommunicator::find(
    const float* data, std::size_t elements) const {
  for (const auto& window : windows_) {
    auto* const first = window.memory.bytes().data();
    const auto* const own =
        first + static_cast<std::size_t>(layout_.local_rank) * window.part_bytes;
    const auto* const wanted = std::as_bytes(std::span(data, elements)).data();
    const std::less<> before;
    if (before(wanted, own) || !before(wanted, own + window.part_bytes)) continue;
    return Parts{first + (wanted - own), window.part_bytes, elements};
  }
  return std::nullopt;
}

Completion NodeSharedCommunicator::submit(std::function<void()> operation) {
  return run_or_queue(queue_.get(), std::move(operation));
}

Completion NodeSharedCommunicator::all_reduce(std::span<const float> send,
                                              std::span<float> receive) {
  const auto from = find(send.data(), send.size());
  const auto to = find(receive.data(), receive.size());
  if (!from || !to) {
    return submit([this, send, receive] { mpi_.all_reduce(send, receive).wait(); });
  }
  return submit([this, from = *from, to = *to] { reduce(from, to); });
}

void NodeSharedCommunicator::reduce(const Parts& send, const Parts& receive) {
  wait_for_node(send.elements, "stopped, stuck or far behind");  // all have written what they send
  const int slice = layout_.local_rank;
  if (slice < nodes_->slices) {
    const auto begin = slice_begin(send.elements, slice, nodes_->slices);
    const auto end = slice_begin(send.elements, slice + 1, nodes_->slices);
    add_up(send, receive, begin, end);
  }
  // All have received all slices. A slice's owner may have to wait for other nodes.
  wait_for_node(send.elements,
                spans_nodes() ? "stuck, or waiting for another node" : "stopped or stuck");
}

void NodeSharedCommunicator::add_up(const Parts& send, const Parts& receive, std::size_t begin,
                                    std::size_t end) {
  for (int rank = 0; rank < layout_.local_size; ++rank) {
    const auto index = static_cast<std::size_t>(rank);
    addends_[index] = send.of(rank).data() + begin;
    results_[index] = receive.of(rank).data() + begin;
  }
  const auto count = end - begin;
  if (!spans_nodes()) return sum_by_tree(results_, addends_, count);

  float* const mine = results_[static_cast<std::size_t>(layout_.local_rank)];
  sum_by_tree({&mine, 1}, addends_, count);
  if (count == 0) return;
  check_mpi(
      MPI_Allreduce(MPI_IN_PLACE, mine, mpi_count(count), MPI_FLOAT, MPI_SUM, nodes_->owners.get()),
      fmt::format("MPI_Allreduce of {} elements between nodes", count));
  const float* const sum = mine;
  sum_by_tree(results_, {&sum, 1}, count);  // one addend: copies it to the others
}

void NodeSharedCommunicator::wait_for_node(std::size_t elements, std::string_view guess) {
  const auto missing = barrier_.arrive_and_wait(timeout_, [this] { mpi_.progress(); });
  if (missing.empty()) return;
  std::string who;
  for (const int local_rank : missing) {
    const int rank = layout_.node_ranks.at(static_cast<std::size_t>(local_rank));
    who += fmt::format("{}{}", who.empty() ? "" : ", ", layout_.describe(rank));
  }
  throw RuntimeFailure(
      fmt::format("all-reduce of {} elements: {} did not come within {} s: {}; see what it does "
                  "there, or raise the time limit if it is only slow",
                  elements, who, timeout_.count(), guess),
      {"collective_timeout"});
}

Completion NodeSharedCommunicator::all_reduce(std::span<double> buffer) {
  return submit([this, buffer] { mpi_.all_reduce(buffer).wait(); });
}

Completion NodeSharedCommunicator::broadcast(std::span<std::byte> buffer, int root) {
  return submit([this, buffer, root] { mpi_.broadcast(buffer, root).wait(); });
}

Completion NodeSharedCommunicator::all_gather(std::span<const std::byte> send,
                                              std::span<std::byte> receive) {
  return submit([this, send, receive] { mpi_.all_gather(send, receive).wait(); });
}

void NodeSharedCommunicator::barrier() {
  submit([this] { mpi_.barrier(); }).wait();
}

}  // namespace lockstep::comm
