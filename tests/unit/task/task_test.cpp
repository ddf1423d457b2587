#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/task/data_kind.hpp>

#include "expect_error.hpp"

namespace lockstep::task {
namespace {

void set(Task& task, const std::string& option, const std::string& value) {
  const options::OptionTable table = {{"Network", task.network_options()}};
  ASSERT_TRUE(options::find_option(table, option)->binding.set(value));
}

model::Weights weights_of(Task& task, model::SafetensorsMetadata metadata) {
  const auto network = task.make_network(task.sample_spec());
  return {.path = "w.safetensors",
          .tensors = model::named_state(*network),
          .metadata = std::move(metadata)};
}

TEST(Task, ADescriptionMakesTheSameNetworkAgain) {
  BuiltinTask trained;
  set(trained, "hidden", "7,5");
  EXPECT_EQ(describe(trained).dump(),
            R"({"name":"lockstep","configuration":{"model":"mlp","hidden":[7,5]}})");
  const auto weights = weights_of(trained, {{kTaskEntry, describe(trained).dump()}});

  BuiltinTask read;
  configure_for(read, weights);
  EXPECT_EQ(describe(read), describe(trained));
  const auto network = read.make_network(read.sample_spec());
  model::load_state(*network, weights.tensors, weights.path);
  EXPECT_EQ(model::named_state(*network).size(), 6U);
}

TEST(Task, WeightsWithoutADescriptionAreRecognised) {
  BuiltinTask trained;
  set(trained, "hidden", "7,5");
  BuiltinTask read;
  configure_for(read, weights_of(trained, {}));
  EXPECT_EQ(describe(read), describe(trained));
}

TEST(Task, DescriptionsThatDoNotFitAreRefused) {
  const auto refuse = [](const std::string& text,
                         std::initializer_list<std::string_view> mentions) {
    BuiltinTask task;
    const auto weights = weights_of(task, {{kTaskEntry, text}});
    tests::expect_error<DataError>([&] { configure_for(task, weights); }, mentions);
  };
  for (const char* text :
       {"", "{", "[]", "3", "{}", R"({"name":"lockstep"})", R"({"name":3,"configuration":{}})",
        R"({"name":"lockstep","configuration":3})", R"({"name":"lockstep","configuration":[]})"}) {
    refuse(text, {"w.safetensors", kTaskEntry});
  }
  refuse(R"({"name":"sines","configuration":{}})", {"w.safetensors", "'sines'", "'lockstep'"});
  refuse(R"({"name":"lockstep","configuration":{"model":"vit"}})", {"w.safetensors", "vit"});
  refuse(R"({"name":"lockstep","configuration":{"depth":3}})", {"w.safetensors", "depth"});
  for (const char* hidden : {R"("x")", R"({"a":1})", "[[1]]", "-3", "[0]", "[1e300]"}) {
    refuse(R"({"name":"lockstep","configuration":{"hidden":)" + std::string(hidden) + "}}",
           {"w.safetensors", "hidden"});
  }
}

TEST(Task, EveryKindOfDataIsWhatItSays) {
  for (const auto& kind : data_kinds()) {
    if (kind.name == "fashion-mnist") continue;  // its files need not be here
    const auto spec = kind.open("")->shape().spec();
    EXPECT_EQ(spec.input.shape, kind.spec().input.shape) << kind.name;
    EXPECT_EQ(spec.outputs(), kind.spec().outputs()) << kind.name;
  }
}

}  // namespace
}  // namespace lockstep::task
