#include <vector>

#include <mpi.h>

#include <lockstep/runtime/mpi_setting.hpp>

namespace lockstep::runtime {
namespace {

/// The library counts these: it is ready while one exists.
class ToolInterface {
 public:
  ToolInterface() {
    int provided = MPI_THREAD_SINGLE;
    ready_ = MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided) == MPI_SUCCESS;
  }
  ~ToolInterface() {
    if (ready_) MPI_T_finalize();
  }
  ToolInterface(const ToolInterface&) = delete;
  ToolInterface& operator=(const ToolInterface&) = delete;
  ToolInterface(ToolInterface&&) = delete;
  ToolInterface& operator=(ToolInterface&&) = delete;

  [[nodiscard]] bool ready() const { return ready_; }

 private:
  bool ready_ = false;
};

bool is_text(int index) {
  int name_length = 0;
  int description_length = 0;
  int verbosity = 0;
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_T_enum values = MPI_T_ENUM_NULL;
  int bound_to = 0;
  int scope = 0;
  return MPI_T_cvar_get_info(index, nullptr, &name_length, &verbosity, &type, &values, nullptr,
                             &description_length, &bound_to, &scope) == MPI_SUCCESS &&
         type == MPI_CHAR;
}

}  // namespace

std::string mpi_setting(const char* name) {
  const ToolInterface tool;
  int index = 0;
  if (!tool.ready() || MPI_T_cvar_get_index(name, &index) != MPI_SUCCESS || !is_text(index)) {
    return {};
  }
  MPI_T_cvar_handle handle = MPI_T_CVAR_HANDLE_NULL;
  int characters = 0;
  if (MPI_T_cvar_handle_alloc(index, nullptr, &handle, &characters) != MPI_SUCCESS) return {};
  std::vector<char> text(static_cast<std::size_t>(characters) + 1, '\0');
  const bool read = MPI_T_cvar_read(handle, text.data()) == MPI_SUCCESS;
  MPI_T_cvar_handle_free(&handle);
  return read ? std::string(text.data()) : std::string();
}

}  // namespace lockstep::runtime
