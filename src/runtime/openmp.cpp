#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <latch>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/openmp.hpp>

namespace lockstep::runtime {
namespace {

/// A function of the OpenMP library, which is loaded because LibTorch needs it; null without one.
template <typename Function>
Function* openmp_function(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));  // NOLINT(*-reinterpret-cast)
}

/// Checked before OpenMP starts them: it would end the process with its own message.
void require_startable(int threads) {
  std::latch all_started(1);
  std::vector<std::jthread> started;
  int reason = 0;
  try {
    while (static_cast<int>(started.size()) < threads - 1) {
      started.emplace_back([&all_started] { all_started.wait(); });
    }
  } catch (const std::system_error& error) {
    reason = error.code().value();
  }
  const auto number = started.size() + 1;
  all_started.count_down();
  started.clear();
  if (reason == 0) return;
  throw RuntimeFailure(
      fmt::format("cannot compute with {} threads: starting the one after {} fails: {}: use "
                  "fewer, or raise the limit of processes (ulimit -u, the container's pids limit)",
                  threads, number, system_error_text(reason)),
      {"threads"});
}

void count_one(void* counter) {
  ++*static_cast<std::atomic<int>*>(counter);
}

}  // namespace

int openmp_threads_wanted() {
  // Nobody changes the environment.
  const char* text = std::getenv("OMP_NUM_THREADS");  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return 0;
  constexpr long kMaxThreads = 1 << 16;
  constexpr int kDecimal = 10;
  // A list has a number for each level of nested regions; only the first one counts here.
  return static_cast<int>(std::clamp(std::strtol(text, nullptr, kDecimal), 0L, kMaxThreads));
}

std::vector<int> openmp_bound_cpus() {
  auto* const binding = openmp_function<int()>("omp_get_proc_bind");
  auto* const places = openmp_function<int()>("omp_get_num_places");
  auto* const size = openmp_function<int(int)>("omp_get_place_num_procs");
  auto* const members = openmp_function<void(int, int*)>("omp_get_place_proc_ids");
  std::vector<int> cpus;
  if (binding == nullptr || places == nullptr || size == nullptr || members == nullptr) return cpus;
  constexpr int kNotBound = 0;
  if (binding() == kNotBound) return cpus;
  for (int place = 0; place < places(); ++place) {
    std::vector<int> here(static_cast<std::size_t>(std::max(size(place), 0)));
    members(place, here.data());
    cpus.insert(cpus.end(), here.begin(), here.end());
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

int count_openmp_threads(int wanted) {
  using Region = void(void (*)(void*), void*, unsigned, unsigned);
  auto* const region = openmp_function<Region>("GOMP_parallel");
  if (region == nullptr || wanted <= 1) return wanted;
  require_startable(wanted);
  if (auto* const set_dynamic = openmp_function<void(int)>("omp_set_dynamic")) set_dynamic(0);
  std::atomic<int> threads = 0;
  constexpr unsigned kNoFlags = 0;
  region(count_one, &threads, static_cast<unsigned>(wanted), kNoFlags);
  return std::clamp(threads.load(), 1, wanted);
}

}  // namespace lockstep::runtime
