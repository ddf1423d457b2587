// As tests/tools/clang14_vector.hpp, for a compilation that has to succeed: the one function of
// std::vector<bool> whose declaration elsewhere is constexpr gets another name, and is not used.
#pragma once

#include <string>

#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR  // NOLINT
#define __fill_a1 fill_bits   // NOLINT
#include <vector>
#undef __fill_a1
#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR constexpr  // NOLINT
