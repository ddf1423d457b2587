#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/failure.hpp>
#include <lockstep/comm/gather.hpp>

namespace lockstep::comm {
namespace {

class AgreementTest : public ::testing::Test {
 protected:
  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const std::unique_ptr<Communicator> communicator_ =
      make_communicator({.node_shared = false}, layout_);
  const int last_ = layout_.world_size - 1;
};

TEST_F(AgreementTest, ReturnsTheResultWhenAllSucceed) {
  EXPECT_EQ(run_on_all_ranks(*communicator_, layout_, [&] { return layout_.rank * 2; }),
            layout_.rank * 2);
}

TEST_F(AgreementTest, OneRanksFailureIsEverybodysAndOneSpeaks) {
  try {
    run_on_all_ranks(*communicator_, layout_, [&] {
      if (layout_.rank == last_) throw DataError("label 200");
    });
    FAIL() << "a rank's failure was lost";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_EQ(error.speaks(), layout_.rank == last_);
    const std::string message = error.what();
    EXPECT_NE(message.find("label 200"), std::string::npos);
    if (layout_.world_size > 1) {
      EXPECT_NE(message.find("rank " + std::to_string(last_) + " ("), std::string::npos);
    }
  }
}

TEST_F(AgreementTest, AFailureOfAllRanksNamesNone) {
  try {
    run_on_all_ranks(*communicator_, layout_, [] { throw DataError("no data"); });
    FAIL();
  } catch (const AgreedError& error) {
    EXPECT_STREQ(error.what(), "no data");
    EXPECT_EQ(error.speaks(), layout_.rank == 0);
  }
}

/// The last rank works, and the others have nothing to do: they meet it again and again.
TEST_F(AgreementTest, LongWorkOfOneRankKeepsNoOtherWaitingInOneOperation) {
  int meetings = 0;
  meet_until_all_are_done(*communicator_, [&] { return ++meetings >= 3 || layout_.rank != last_; });
  EXPECT_EQ(meetings, 3) << "on every rank";

  const auto result = run_long_on_all_ranks(*communicator_, layout_, [&] {
    if (layout_.rank == last_) std::this_thread::sleep_for(std::chrono::milliseconds(600));
    return std::make_unique<int>(layout_.rank * 2);
  });
  EXPECT_EQ(*result, layout_.rank * 2);
}

TEST_F(AgreementTest, AFailureInLongWorkIsEverybodys) {
  try {
    run_long_on_all_ranks(*communicator_, layout_, [&] {
      if (layout_.rank == last_) throw DataError("label 200");
    });
    FAIL() << "a rank's failure was lost";
  } catch (const AgreedError& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_EQ(error.speaks(), layout_.rank == last_);
    EXPECT_NE(std::string(error.what()).find("label 200"), std::string::npos);
  }
}

TEST_F(AgreementTest, TextsReachEveryRank) {
  const auto mine = std::string(static_cast<std::size_t>(layout_.rank), 'x');
  const auto all = gather_texts(*communicator_, mine);
  ASSERT_EQ(static_cast<int>(all.size()), layout_.world_size);
  for (std::size_t rank = 0; rank < all.size(); ++rank) EXPECT_EQ(all[rank].size(), rank);
}

TEST_F(AgreementTest, EmptyTextsAndTextsWithNulAreTexts) {
  for (const auto& mine : {std::string(), std::string("a\0b", 3)}) {
    const auto all = gather_texts(*communicator_, mine);
    EXPECT_EQ(all, std::vector<std::string>(static_cast<std::size_t>(layout_.world_size), mine));
  }
}

TEST_F(AgreementTest, TooLongTextsAreRefusedOnEveryRank) {
  const auto mine = layout_.rank == last_ ? std::string((64U << 20U) + 1, 'x') : std::string();
  EXPECT_THROW((void)gather_texts(*communicator_, mine), RuntimeFailure);
}

TEST_F(AgreementTest, ValuesReachEveryRankUnchanged) {
  const std::array<std::uint64_t, 2> mine = {
      ~std::uint64_t{0} - static_cast<unsigned>(layout_.rank), std::uint64_t{1} << 53U | 1U};
  const auto rows = gather_values(*communicator_, std::span<const std::uint64_t>(mine));
  ASSERT_EQ(static_cast<int>(rows.size()), layout_.world_size);
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    EXPECT_EQ(rows[rank][0], ~std::uint64_t{0} - rank);
    EXPECT_EQ(rows[rank][1], (std::uint64_t{1} << 53U | 1U));
  }
}

TEST(DescribeFailure, IsOneLineWhateverWasThrown) {
  const auto describe = [](auto exception) {
    return describe_failure(std::make_exception_ptr(exception));
  };
  EXPECT_EQ(describe(UsageError("bad")).code, ExitCode::kUsage);
  EXPECT_EQ(describe(std::runtime_error("first\nsecond")).message.find("second"),
            std::string::npos);
  EXPECT_NE(describe(std::bad_alloc()).message.find("memory"), std::string::npos);
  EXPECT_EQ(describe(7).code, ExitCode::kFailure);
}

}  // namespace
}  // namespace lockstep::comm
