#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/unwinding.hpp>
#include <lockstep/runtime/mpi_check.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/node_memory.hpp>

namespace lockstep::runtime {

namespace {

constexpr std::size_t kAlignmentBytes = 64;  // Open MPI guarantees 8

}  // namespace

struct NodeMemory::Window {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Win window = MPI_WIN_NULL;
  std::span<std::byte> bytes;
  UnwindingProbe probe;

  Window(std::size_t size, const RankLayout& layout) {
    check_mpi(MPI_Comm_split(MPI_COMM_WORLD, layout.node_ranks.front(), layout.rank, &node),
              "MPI_Comm_split");
    void* base = nullptr;
    const auto wanted = static_cast<MPI_Aint>(size + kAlignmentBytes);
    const MPI_Aint owned = layout.local_rank == 0 ? wanted : 0;
    check_mpi(
        MPI_Win_allocate_shared(owned, 1, MPI_INFO_NULL, node, static_cast<void*>(&base), &window),
        fmt::format(
            "allocating {} MiB of memory shared by the node's ranks (is {} large enough? gradients "
            "need none if they are sent by MPI inside a node too): MPI_Win_allocate_shared",
            size >> 20U, shared_memory_folder()),
        {"node_shared"});
    MPI_Win_set_errhandler(window, MPI_ERRORS_RETURN);
    MPI_Aint owner_bytes = 0;
    int unit = 0;
    check_mpi(MPI_Win_shared_query(window, 0, &owner_bytes, &unit, static_cast<void*>(&base)),
              "MPI_Win_shared_query");
    if (owner_bytes < wanted) {
      throw RuntimeFailure("the node's ranks asked for shared memory of different sizes");
    }
    check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window), "MPI_Win_lock_all");
    // Whole pages are mapped, so all ranks skip the same bytes.
    auto space = size + kAlignmentBytes;
    bytes = {static_cast<std::byte*>(std::align(kAlignmentBytes, size, base, space)), size};
  }
  ~Window() {
    if (probe.unwinding()) return;  // freeing a window waits for the other ranks
    MPI_Win_unlock_all(window);
    MPI_Win_free(&window);
    MPI_Comm_free(&node);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  Window(Window&&) = delete;
  Window& operator=(Window&&) = delete;
};

NodeMemory::NodeMemory(std::size_t bytes, const RankLayout& layout)
    : window_(std::make_unique<Window>(bytes, layout)) {}
NodeMemory::~NodeMemory() = default;
NodeMemory::NodeMemory(NodeMemory&&) noexcept = default;
NodeMemory& NodeMemory::operator=(NodeMemory&&) noexcept = default;

std::span<std::byte> NodeMemory::bytes() const noexcept {
  return window_->bytes;
}

void NodeMemory::synchronize() {
  check_mpi(MPI_Win_sync(window_->window), "MPI_Win_sync");
  check_mpi(MPI_Barrier(window_->node), "MPI_Barrier");
  check_mpi(MPI_Win_sync(window_->window), "MPI_Win_sync");
}

}  // namespace lockstep::runtime
