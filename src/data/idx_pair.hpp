// Inputs and labels in two IDX files.
#pragma once

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx.hpp>

namespace lockstep::data {

/// Throws DataError unless there are as many labels as images.
inline void require_pair(const IdxFile& images, const IdxFile& labels) {
  const auto of_images = images.dimensions().front();
  const auto of_labels = labels.dimensions().front();
  if (of_images == of_labels) return;
  throw DataError(fmt::format("{} has {} images but {} has {} labels: they do not belong together",
                              images.path().string(), of_images, labels.path().string(),
                              of_labels));
}

}  // namespace lockstep::data
