// PGM files as 8-bit grey values.
#pragma once

#include <filesystem>
#include <string>

#include <lockstep/data/picture.hpp>

namespace lockstep::data {

/// True if `bytes` begin like a PGM file.
[[nodiscard]] bool is_pgm(const std::string& bytes);

/// Reads a PGM (P2 or P5, comments, up to 16 bits). Throws DataError naming `path`. Source:
/// https://netpbm.sourceforge.net/doc/pgm.html
[[nodiscard]] Picture read_pgm(const std::filesystem::path& path, const std::string& bytes);

}  // namespace lockstep::data
