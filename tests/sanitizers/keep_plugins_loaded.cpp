// Linked into sanitizer builds only: Open MPI unloads its plugins at the end, and a leak whose
// stack lies in an unloaded library has no name that a suppression could match. So nothing is
// unloaded.
extern "C" int dlclose(void* /*handle*/) {
  return 0;
}
