// The NCCL communicator, the reducer and the trainer on a simulated device: the right weights at
// every timing, and no wait, record or query that could be left out.
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/gather.hpp>

#include "simulated_training.hpp"

namespace lockstep::simulator {
namespace {

using ::testing::IsEmpty;

void expect_the_weights_of_the_cpu(const Work& work, bool fixed_order, std::uint64_t seeds) {
  const auto layout = runtime::discover_rank_layout();
  const auto communicator = comm::make_communicator({.fixed_order = fixed_order}, layout);
  runtime::HostStream host;
  const auto expected = work(*communicator, *communicator, host);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto outcome = simulate({.seed = seed, .fixed_order = fixed_order}, work);
    ASSERT_EQ(outcome.failure, "") << "seed " << seed;
    ASSERT_EQ(outcome.digest, expected) << "seed " << seed;
    ASSERT_THAT(outcome.findings, IsEmpty()) << "seed " << seed;
    ASSERT_EQ(outcome.left_over, 0U) << "seed " << seed;
  }
}

TEST(NcclTraining, GivesTheWeightsOfTheCpuAtEveryTiming) {
  expect_the_weights_of_the_cpu(train_digest, false, 40);
}

TEST(NcclTraining, GivesTheWeightsOfTheCpuInFixedOrderAtEveryTiming) {
  expect_the_weights_of_the_cpu(train_digest_of_shards, true, 20);
}

/// All-reduces whose sums nobody waits for before the end.
std::string leave_in_flight(comm::Communicator& /*control*/, comm::Communicator& gradients,
                            runtime::ComputeStream& compute) {
  const auto memory = gradients.allocate(1000);
  compute.access({}, {std::as_bytes(memory)});
  for (int i = 0; i < 3; ++i) (void)gradients.all_reduce(memory, memory);
  return "left in flight";
}

/// A use of the GPU path, and how it has to end.
struct Scenario {
  Work work;
  std::string failure{};  ///< words of the message; empty: none
  Intercept cuda = [](auto...) { return std::nullopt; };
  Intercept nccl = [](auto...) { return std::nullopt; };
};

/// The all-reduce never ends, and NCCL says that a neighbour has failed.
Scenario neighbour_fails() {
  static constexpr int kRemoteError = 6;
  const auto failed = std::make_shared<bool>(false);
  return {.work =
              [failed](auto&, auto& gradients, auto& compute) {
                const auto memory = gradients.allocate(10);
                const auto read_back = compute.make_read_back(1, 1);
                gradients.all_reduce(memory, memory).wait();
                read_back->start(memory.first(1));
                *failed = true;
                (void)read_back->take();
                return std::string("went on");
              },
          .failure = "simulated NCCL error 6",
          .cuda = [failed](std::string_view function, auto) -> std::optional<int> {
            if (*failed && function == "event_query") return runtime::kCudaNotReady;
            return std::nullopt;
          },
          .nccl = [failed](std::string_view function, auto) -> std::optional<int> {
            if (*failed && function == "async_error") return kRemoteError;
            return std::nullopt;
          }};
}

/// Made anew each time: a scenario remembers how far it has come.
std::vector<Scenario> all_scenarios() {
  return {{.work = train_digest}, {.work = leave_in_flight}, neighbour_fails()};
}

Intercept one_after_the_other(const Intercept& first, const Intercept& second) {
  return [=](std::string_view function, const runtime::CallSite* site) {
    const auto answer = first(function, site);
    return answer ? answer : second(function, site);
  };
}

/// True if all is as it has to be.
bool runs_as_it_should(const Scenario& scenario, const Intercept& between) {
  const auto outcome = simulate({.seed = 1,
                                 .cuda = one_after_the_other(between, scenario.cuda),
                                 .nccl = one_after_the_other(between, scenario.nccl),
                                 .timeout = std::chrono::seconds(2),
                                 .patience = std::chrono::milliseconds(500)},
                                scenario.work);
  // After a failure, work is given up where it stands.
  if (!scenario.failure.empty()) {
    return outcome.failure.find(scenario.failure) != std::string::npos;
  }
  return outcome.failure.empty() && outcome.findings.empty();
}

using Site = std::tuple<std::string, std::string, unsigned>;  // function, file, line

Site site_of(std::string_view function, const runtime::CallSite& site) {
  return {std::string(function), site.file, site.line};
}

/// What any rank has found: all must go through the same list.
std::set<Site> of_all_ranks(const std::set<Site>& mine) {
  std::string text;
  for (const auto& [function, file, line] : mine) {
    text += fmt::format("{} {} {}\n", function, file, line);
  }
  const auto control =
      comm::make_communicator({.node_shared = false}, runtime::discover_rank_layout());
  std::set<Site> all;
  for (const auto& part : comm::gather_texts(*control, text)) {
    std::istringstream words(part);
    Site site;
    while (words >> std::get<0>(site) >> std::get<1>(site) >> std::get<2>(site)) all.insert(site);
  }
  return all;
}

TEST(NcclTraining, NoWaitRecordOrQueryCanBeLeftOut) {
  std::set<Site> mine;
  const auto collect = [&](std::string_view function,
                           const runtime::CallSite* site) -> std::optional<int> {
    if (site != nullptr) mine.insert(site_of(function, *site));
    return std::nullopt;
  };
  for (const auto& scenario : all_scenarios()) ASSERT_TRUE(runs_as_it_should(scenario, collect));
  // A record and a wait for each of the two orders between the streams, a record and a query for
  // the totals, the query of the drain, NCCL's polls for readiness and while waiting.
  const auto sites = of_all_ranks(mine);
  ASSERT_EQ(sites.size(), 9U);

  for (const auto& left_out : sites) {
    const auto leave_out = [&](std::string_view function,
                               const runtime::CallSite* site) -> std::optional<int> {
      if (site == nullptr || site_of(function, *site) != left_out) return std::nullopt;
      return 0;  // as if it had been done
    };
    bool noticed = false;
    for (const auto& scenario : all_scenarios()) {
      noticed = !runs_as_it_should(scenario, leave_out) || noticed;
    }
    EXPECT_TRUE(on_any_rank(noticed))
        << fmt::format("{} at {}:{} could be left out unnoticed", std::get<0>(left_out),
                       std::get<1>(left_out), std::get<2>(left_out));
  }
}

}  // namespace
}  // namespace lockstep::simulator
