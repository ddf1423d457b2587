// The data that a run can be on. A new kind is a file in src/task/data and a line in
// src/task/data_kinds.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>

namespace lockstep::task {

struct DataKind {
  std::string name;
  /// What its samples are, without opening it.
  data::SampleSpec (*spec)();
  /// The data in `folder`; empty: in the default places. Throws DataError.
  std::unique_ptr<data::DatasetSource> (*open)(const std::string& folder);
};

/// The default first.
[[nodiscard]] const std::vector<DataKind>& data_kinds();

}  // namespace lockstep::task
