#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include <lockstep/base/log.hpp>
#include <lockstep/comm/agreement.hpp>

namespace lockstep::comm {
namespace {

constexpr std::size_t kTextLimitBytes = std::size_t{64} << 20U;

constexpr const char* kOutOfMemory =
    "out of memory: use a smaller --batch-size, --test-batch-size or --hidden, or fewer ranks a "
    "host";

bool backtrace_wanted() {
  const char* value = std::getenv("LOCKSTEP_BACKTRACE");  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

Failure describe_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return {error.code(), one_line(error.what())};
  } catch (const std::bad_alloc&) {
    return {ExitCode::kFailure, kOutOfMemory};
  } catch (const std::exception& error) {
    // LibTorch puts a stack trace behind the first line.
    const std::string_view text(error.what());
    if (text.find("allocate memory") != std::string_view::npos ||
        text.find("out of memory") != std::string_view::npos) {
      return {ExitCode::kFailure, kOutOfMemory};
    }
    const auto shown = backtrace_wanted() ? text : text.substr(0, text.find('\n'));
    return {ExitCode::kFailure, fmt::format("unexpected failure (please report it): {}", shown)};
  } catch (...) {
    return {ExitCode::kFailure, "unexpected failure of unknown kind (please report it)"};
  }
}

void agree(Communicator& communicator, const runtime::RankLayout& layout,
           const std::exception_ptr& failure) {
  std::vector<double> failed(static_cast<std::size_t>(communicator.size()), 0.0);
  const auto self = static_cast<std::size_t>(communicator.rank());
  failed[self] = failure ? 1.0 : 0.0;
  communicator.all_reduce(std::span<double>(failed)).wait();
  const auto first = std::find(failed.begin(), failed.end(), 1.0);
  if (first == failed.end()) return;

  const int root = static_cast<int>(first - failed.begin());
  Failure mine;
  if (communicator.rank() == root) {
    mine = describe_failure(failure);
    const bool everywhere = std::count(failed.begin(), failed.end(), 1.0) == communicator.size();
    if (!everywhere && mine.code != ExitCode::kUsage) {
      mine.message = fmt::format("{}: {}", layout.describe(), mine.message);
    }
  }
  std::array<ExitCode, 1> code = {mine.code};
  communicator.broadcast(std::as_writable_bytes(std::span(code)), root).wait();
  const auto message = broadcast_text(communicator, std::move(mine.message), root);
  throw AgreedError(code[0], message, communicator.rank() == root);
}

void fail_together(const Communicator& communicator, const std::string& message) {
  throw AgreedError(ExitCode::kFailure, message, communicator.rank() == 0);
}

std::optional<std::size_t> first_unlike_rank_0(const std::vector<std::string>& texts) {
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] != texts[0]) return rank;
  }
  return std::nullopt;
}

std::string broadcast_text(Communicator& communicator, std::string text, int root) {
  std::array<std::size_t, 1> size = {text.size()};
  communicator.broadcast(std::as_writable_bytes(std::span(size)), root).wait();
  if (size[0] > kTextLimitBytes) throw RuntimeFailure("a text to broadcast exceeds 64 MiB");
  text.resize(size[0]);
  communicator.broadcast(std::as_writable_bytes(std::span(text.data(), text.size())), root).wait();
  return text;
}

std::vector<std::string> gather_texts(Communicator& communicator, const std::string& mine) {
  std::vector<std::string> all;
  for (int root = 0; root < communicator.size(); ++root) {
    all.push_back(broadcast_text(communicator, mine, root));
  }
  return all;
}

std::vector<std::vector<double>> gather_numbers(Communicator& communicator,
                                                std::span<const double> mine) {
  std::vector<double> all(static_cast<std::size_t>(communicator.size()) * mine.size(), 0.0);
  const auto row = [&](int rank) {
    return std::span(all).subspan(static_cast<std::size_t>(rank) * mine.size(), mine.size());
  };
  std::copy(mine.begin(), mine.end(), row(communicator.rank()).begin());
  communicator.all_reduce(std::span(all)).wait();
  std::vector<std::vector<double>> rows;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    rows.emplace_back(row(rank).begin(), row(rank).end());
  }
  return rows;
}

}  // namespace lockstep::comm
