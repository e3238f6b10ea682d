#include "python/garbage.h"

namespace labcoat::python {

std::optional<Garbage::Mode> Garbage::parse_mode(std::string_view text) {
  if (text == "default" || text == "freeze") return Mode::as_usual;
  if (text == "off") return Mode::off;
  if (text == "between_requests") return Mode::between_requests;
  return std::nullopt;
}

bool Garbage::open(Mode mode) {
  mode_ = mode;
  if (mode == Mode::as_usual) return true;
  PyGC_Disable();
  if (mode == Mode::off) return true;
  const Ref gc = Ref::steal(PyImport_ImportModule("gc"));
  if (!gc) return false;
  collect_ = Ref::steal(PyObject_GetAttrString(gc.get(), "collect"));
  get_count_ = Ref::steal(PyObject_GetAttrString(gc.get(), "get_count"));
  get_threshold_ = Ref::steal(PyObject_GetAttrString(gc.get(), "get_threshold"));
  return collect_ && get_count_ && get_threshold_;
}

void Garbage::collect_if_due() {
  requests_ = 0;
  // A collection that fails has nowhere to report to, and the next one will tell.
  if (!collect_due_generation()) PyErr_Clear();
}

// The oldest generation whose threshold is passed, as the automatic collector would choose it.
bool Garbage::collect_due_generation() {
  const Ref counts = Ref::steal(PyObject_CallNoArgs(get_count_.get()));
  const Ref thresholds = Ref::steal(PyObject_CallNoArgs(get_threshold_.get()));
  if (!counts || !thresholds) return false;
  for (long generation = 2; generation >= 0; --generation) {
    const long count = PyLong_AsLong(PyTuple_GetItem(counts.get(), generation));
    const long threshold = PyLong_AsLong(PyTuple_GetItem(thresholds.get(), generation));
    if (PyErr_Occurred()) return false;
    if (threshold <= 0 || count <= threshold) continue;
    const Ref number = Ref::steal(PyLong_FromLong(generation));
    if (!number) return false;
    return static_cast<bool>(
        Ref::steal(PyObject_CallFunctionObjArgs(collect_.get(), number.get(), nullptr)));
  }
  return true;
}

}  // namespace labcoat::python
