#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/failure.hpp>
#include <lockstep/comm/gather.hpp>

namespace lockstep::comm {

void agree(Communicator& communicator, const runtime::RankLayout& layout,
           const std::exception_ptr& failure) {
  const std::array<std::uint8_t, 1> own = {failure ? std::uint8_t{1} : std::uint8_t{0}};
  std::vector<std::uint8_t> failed(static_cast<std::size_t>(communicator.size()));
  communicator.all_gather(std::as_bytes(std::span(own)), std::as_writable_bytes(std::span(failed)))
      .wait();
  const auto first = std::find(failed.begin(), failed.end(), 1);
  if (first == failed.end()) return;

  const int root = static_cast<int>(first - failed.begin());
  Failure mine;
  if (communicator.rank() == root) {
    mine = describe_failure(failure);
    const bool everywhere = std::count(failed.begin(), failed.end(), 1) == communicator.size();
    if (!everywhere && mine.code != ExitCode::kUsage) {
      mine.message = fmt::format("{}: {}", layout.describe(), mine.message);
    }
  }
  std::array<ExitCode, 1> code = {mine.code};
  communicator.broadcast(std::as_writable_bytes(std::span(code)), root).wait();
  const auto message = broadcast_text(communicator, std::move(mine.message), root);
  const auto settings = nlohmann::json::parse(
      broadcast_text(communicator, nlohmann::json(mine.settings).dump(), root));
  throw AgreedError(code[0], message, communicator.rank() == root, settings.get<Settings>());
}

void meet_until_all_are_done(Communicator& communicator, const std::function<bool()>& is_done) {
  std::vector<std::vector<std::uint8_t>> done;
  do {
    const std::array<std::uint8_t, 1> mine = {is_done() ? std::uint8_t{1} : std::uint8_t{0}};
    done = gather_values(communicator, std::span<const std::uint8_t>(mine));
  } while (std::any_of(done.begin(), done.end(), [](const auto& rank) { return rank[0] == 0; }));
}

void fail_together(const Communicator& communicator, const std::string& message,
                   Settings settings) {
  throw AgreedError(ExitCode::kFailure, message, communicator.rank() == 0, std::move(settings));
}

}  // namespace lockstep::comm
