#include <utility>

#include <lockstep/base/error.hpp>
#include <lockstep/task/own_task.hpp>

namespace lockstep::task {
namespace {

class OwnTask final : public Task {
 public:
  explicit OwnTask(TaskParts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::string name() const override { return parts_.name; }
  [[nodiscard]] std::unique_ptr<data::DatasetSource> open_data() override { return parts_.data(); }
  [[nodiscard]] model::NetworkPtr make_network(const data::SampleSpec& spec) override {
    return parts_.network(spec);
  }
  [[nodiscard]] model::LossFunction loss() override { return parts_.loss; }

 private:
  TaskParts parts_;
};

}  // namespace

TaskFactory make_factory(const TaskParts& parts) {
  if (parts.name.empty() || !parts.data || !parts.network) {
    throw UsageError("a task needs a name, data and a network: TaskParts lacks one of them");
  }
  return [parts] { return std::make_unique<OwnTask>(parts); };
}

}  // namespace lockstep::task
