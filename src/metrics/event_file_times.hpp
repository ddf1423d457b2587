// The latest time in the event files of a folder.
#pragma once

#include <filesystem>

namespace lockstep::metrics {

inline constexpr const char* kNameBegin = "events.out.tfevents.";

/// The time, in seconds since 1970, at which another event file may begin so that its name and its
/// events come after those of the files in `folder`; 0 if there are none. Ignores what cannot be
/// read.
[[nodiscard]] double seconds_behind_event_files(const std::filesystem::path& folder);

}  // namespace lockstep::metrics
