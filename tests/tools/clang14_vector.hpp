// Included first by clang-tidy.sh. Clang 14 instantiates the members of libstdc++ 12's constexpr
// std::vector too early for LibTorch 1.13's headers, where the element type is still incomplete.
// Without the constexpr it does not.
#pragma once

#include <string>

#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR  // NOLINT
#include <vector>
#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR constexpr  // NOLINT
