// Everything that can go wrong with the GPU and NCCL, on a simulated device: ends in time, with a
// message that names the operation, and leaves nothing behind.
#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/agreement.hpp>

#include "simulated_training.hpp"

namespace lockstep::simulator {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kTimeout = std::chrono::seconds(1);

/// For streams that are meant to be stuck.
Simulation impatient() {
  return {.timeout = kTimeout, .patience = std::chrono::milliseconds(100)};
}

/// For runs in which a rank may wait for one that has failed.
Simulation patient() {
  return {.timeout = std::chrono::seconds(5), .patience = std::chrono::seconds(2)};
}

const std::vector<std::string> kOfCuda = {
    "set_device",   "stream_create",   "stream_destroy", "stream_query", "stream_wait_event",
    "event_create", "event_destroy",   "event_record",   "event_query",  "allocate",
    "free",         "allocate_pinned", "free_pinned",    "copy_async"};
const std::vector<std::string> kOfNccl = {"loaded_version", "unique_id", "init",   "async_error",
                                          "all_reduce",     "finalize",  "destroy"};

/// Failures while something is given back leave it behind; at the very end, in silence.
const std::set<std::string> kGiveBack = {"free", "free_pinned", "event_destroy", "stream_destroy",
                                         "destroy"};
const std::set<std::string> kSilent = {"free", "free_pinned", "event_destroy"};

/// Answers the `wanted`-th call of `function` with `code`.
Intercept fail_call(const std::string& function, int wanted, int code) {
  return [=, seen = 0](std::string_view called, auto) mutable -> std::optional<int> {
    if (called != function || seen++ != wanted) return std::nullopt;
    return code;
  };
}

/// The run with one call failing on every rank.
void expect_failure_of(const std::string& function, bool of_nccl, int code) {
  SCOPED_TRACE(fmt::format("{} returns {}", function, code));
  auto simulation = patient();
  (of_nccl ? simulation.nccl : simulation.cuda) = fail_call(function, 0, code);
  const auto outcome = simulate(simulation);
  if (kSilent.count(function) != 0) {
    EXPECT_EQ(outcome.failure, "");
  } else {
    EXPECT_THAT(outcome.failure, Not(IsEmpty()));
    EXPECT_THAT(outcome.failure, Not(HasSubstr("unexpected")));
  }
  if (kGiveBack.count(function) == 0) {
    EXPECT_EQ(outcome.left_over, 0U);
  }
}

TEST(NcclFailures, EveryCallAndReturnCodeEndsTheRunWithAMessage) {
  for (const auto& function : kOfCuda) {
    for (const int code : {1, 2, 46, 700, 719, 999}) expect_failure_of(function, false, code);
  }
  for (const auto& function : kOfNccl) {
    for (const int code : {1, 2, 3, 4, 5, 6}) expect_failure_of(function, true, code);
  }
}

TEST(NcclFailures, LaterCallsFailAsWell) {
  for (const std::string function : {"event_record", "stream_wait_event", "copy_async"}) {
    auto simulation = patient();
    simulation.cuda = fail_call(function, 5, 700);
    EXPECT_THAT(simulate(simulation).failure, HasSubstr("CUDA error 700")) << function;
  }
  auto simulation = patient();
  simulation.nccl = fail_call("all_reduce", 20, 6);
  EXPECT_THAT(simulate(simulation).failure,
              AllOf(HasSubstr("all-reduce 21 of"), HasSubstr("simulated NCCL error 6")));
}

TEST(NcclFailures, CallsOfTheFixedOrderEndTheRunWithAMessage) {
  if (runtime::discover_rank_layout().world_size == 1) GTEST_SKIP() << "needs two ranks";
  for (const std::string function : {"send", "receive", "group_start", "group_end", "add_async"}) {
    SCOPED_TRACE(function);
    auto simulation = patient();
    simulation.fixed_order = true;
    const bool of_cuda = function == "add_async";
    (of_cuda ? simulation.cuda : simulation.nccl) = fail_call(function, 2, of_cuda ? 700 : 6);
    const auto outcome = simulate(simulation, train_digest_of_shards);
    EXPECT_THAT(outcome.failure, HasSubstr(of_cuda ? "CUDA error 700" : "simulated NCCL error 6"));
    EXPECT_EQ(outcome.left_over, 0U);
  }
}

/// From the first call of `function` on, NCCL says "in progress" for ever.
Intercept never_ready_after(const std::string& function) {
  return [=, begun = false](std::string_view called, auto) mutable -> std::optional<int> {
    begun = begun || called == function;
    if (begun && called == "async_error") return comm::kNcclInProgress;
    return std::nullopt;
  };
}

TEST(NcclFailures, WhatNeverGetsReadyIsGivenUp) {
  const std::map<std::string, std::string> operations = {{"init", "connecting the ranks by NCCL"},
                                                         {"all_reduce", "all-reduce 1 of"},
                                                         {"finalize", "ending NCCL's connections"}};
  for (const auto& [function, operation] : operations) {
    auto simulation = patient();
    simulation.timeout = kTimeout;
    simulation.nccl = never_ready_after(function);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = simulate(simulation);
    EXPECT_THAT(outcome.failure, AllOf(HasSubstr(operation), HasSubstr("raise the time limit")));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    EXPECT_EQ(outcome.left_over, 0U);
  }
}

TEST(NcclFailures, ARankThatDoesNotComeIsWaitedForInVain) {
  const auto layout = runtime::discover_rank_layout();
  if (layout.world_size == 1) GTEST_SKIP() << "needs two ranks";
  const bool absent = layout.rank == layout.world_size - 1;
  const auto outcome = simulate(impatient(), [&](auto&, auto& gradients, auto& compute) {
    const auto memory = gradients.allocate(1000);
    const auto read_back = compute.make_read_back(1, 1);
    if (absent) return std::string("stayed away");
    gradients.all_reduce(memory, memory).wait();
    read_back->start(memory.first(1));
    (void)read_back->take();
    return std::string("went on");
  });
  if (absent) return;
  EXPECT_THAT(outcome.failure, AllOf(HasSubstr("all-reduce 1 of 4000 bytes"),
                                     HasSubstr("a rank may have stopped"), HasSubstr("1 s")));
}

TEST(NcclFailures, CountsThatDifferEndInTime) {
  const auto layout = runtime::discover_rank_layout();
  if (layout.world_size == 1) GTEST_SKIP() << "needs two ranks";
  const auto outcome = simulate(impatient(), [&](auto&, auto& gradients, auto& compute) {
    const auto memory = gradients.allocate(1000);
    const auto part = memory.first(layout.rank == 0 ? 1000 : 999);
    gradients.all_reduce(part, part).wait();
    const auto read_back = compute.make_read_back(1, 1);
    read_back->start(memory.first(1));
    (void)read_back->take();
    return std::string("went on");
  });
  EXPECT_THAT(outcome.failure, HasSubstr("bytes over"));
}

/// A call that does not return before the test lets it.
class Blocked {
 public:
  explicit Blocked(std::string function) : function_(std::move(function)) {}
  ~Blocked() { release_.set_value(); }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  Blocked(Blocked&&) = delete;
  Blocked& operator=(Blocked&&) = delete;

  [[nodiscard]] Intercept intercept() const {
    return [function = function_, released = released_](std::string_view called,
                                                        auto) -> std::optional<int> {
      if (called == function) released.wait();
      return std::nullopt;
    };
  }

 private:
  std::string function_;
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
};

TEST(NcclFailures, ADestroyThatDoesNotReturnIsLeftBehind) {
  const Blocked destroy("destroy");
  auto simulation = patient();
  simulation.nccl = destroy.intercept();
  EXPECT_THAT(simulate(simulation).failure, HasSubstr("ncclCommDestroy did not return within 5 s"));
}

TEST(NcclFailures, AnAbortThatDoesNotReturnHidesNoFailure) {
  const Blocked abort("abort");
  auto simulation = patient();
  simulation.nccl = [blocked = abort.intercept(), fail = fail_call("all_reduce", 3, 1)](
                        std::string_view function, auto site) mutable {
    (void)blocked(function, site);
    return fail(function, site);
  };
  EXPECT_THAT(simulate(simulation).failure, HasSubstr("all-reduce 4 of"));
}

TEST(NcclFailures, AnOlderLibraryThanTheHeaderIsRefusedByAllRanks) {
  class OldNccl final : public SimulatedNccl {
   public:
    using SimulatedNccl::SimulatedNccl;
    int loaded_version(int* version) override {
      *version = 22'003;
      return comm::kNcclSuccess;
    }
  };
  const auto layout = runtime::discover_rank_layout();
  const auto cuda = std::make_shared<SimulatedCuda>(0);
  const auto nccl = std::make_shared<OldNccl>(cuda);
  runtime::CudaStream compute(cuda, 0, kTimeout);
  try {
    const comm::NcclCommunicator refused(nccl, compute, layout, {});
    ADD_FAILURE() << "should have been refused";
  } catch (const comm::AgreedError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("2.20.3"), HasSubstr("2.27.5")));
  }
  nccl->end();
}

}  // namespace
}  // namespace lockstep::simulator
