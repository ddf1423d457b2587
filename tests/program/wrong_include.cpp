// `data` may use `base` only. With -DFORBIDDEN this file reaches for `comm`, which must not
// compile.
#include <lockstep/base/error.hpp>
#ifdef FORBIDDEN
#include <lockstep/comm/communicator.hpp>
#endif
