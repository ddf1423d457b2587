// The same work for many items, on all threads.
#pragma once

#include <cstdint>
#include <functional>

namespace lockstep::data {

/// Calls work(i) for all i in [0, count), on as many threads as LibTorch computes with. If it
/// throws for some, throws what it threw for the lowest of these. Meanwhile, an operation of
/// LibTorch has one thread in the whole process.
void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& work);

}  // namespace lockstep::data
