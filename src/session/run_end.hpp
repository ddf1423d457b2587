// The end of a run without failures.
#pragma once

#include <lockstep/session/job.hpp>
#include <lockstep/session/training_setup.hpp>

#include "run_output.hpp"

namespace lockstep::session {

/// Collective. Compares all ranks' weights, writes the results of a completed run, and reports
/// them. For a run that was stopped, throws AgreedError with exit code 75; its state is saved.
void finish_run(Job& job, const train::TrainResult& result, const Training& training,
                const Output& output, const train::DatasetDigests& digests,
                const model::SafetensorsMetadata& metadata);

}  // namespace lockstep::session
