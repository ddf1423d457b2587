// How late it was in the event files that a folder holds.
#pragma once

#include <filesystem>

namespace lockstep::metrics {

inline constexpr const char* kNameBegin = "events.out.tfevents.";

/// Seconds since 1970 at which a further event file may begin so that its name and its events come
/// behind those of the files in `folder`; 0 if there are none. What cannot be read is left out.
[[nodiscard]] double seconds_behind_event_files(const std::filesystem::path& folder);

}  // namespace lockstep::metrics
