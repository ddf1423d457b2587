#include <utility>

#include <lockstep/app/weights_option_tables.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/session/shared_options.hpp>

namespace lockstep::app {
namespace {

using options::auto_on_off;
using options::flag;
using options::integers;
using options::Option;
using options::OptionTable;
using options::path;

Option checkpoint(std::string& file) {
  return {"checkpoint", "the weights: a .safetensors file (required)", path(file, "FILE")};
}

}  // namespace

OptionTable evaluate_option_table(EvaluateOptions& options) {
  auto& common = options.common;
  auto with_data = session::joined_group("Evaluation", {checkpoint(options.checkpoint)},
                                         options.task.data_options());
  return {session::joined_group(
      "Evaluation", std::move(with_data.options),
      {session::test_samples_option(common.data), session::loss_option(common.model),
       session::device_option(common.distribution), session::threads_option(common.distribution),
       session::test_batch_size_option(common.output)})};
}

OptionTable predict_option_table(PredictOptions& options) {
  constexpr std::int64_t kMaxIndex = (std::int64_t{1} << 31U) - 1;
  return {session::joined_group(
      "Prediction",
      {checkpoint(options.checkpoint),
       {"index", "numbers of test images, from 0", integers(options.index, 0, kMaxIndex)},
       {"image", "a picture, PNG or PGM; more may follow", path(options.image, "FILE")},
       {"invert", "swap bright and dark (default auto: if a picture's border is bright)",
        auto_on_off(options.invert)},
       {"picture", "draw what the network sees (default auto: on a terminal)",
        auto_on_off(options.picture)},
       {"png", "write what the network sees, enlarged, as a PNG", path(options.png, "FILE")},
       {"json", "print everything as JSON, logits too", flag(options.json)}},
      options.task.data_options())};
}

OptionTable doctor_option_table(DoctorOptions& options) {
  return {{"Doctor",
           {{"json", "print the findings as JSON", flag(options.json)},
            {"data-dir", "folder of the data set, as for train", path(options.data_dir, "DIR")},
            session::device_option(options.distribution),
            session::threads_option(options.distribution)}}};
}

}  // namespace lockstep::app
