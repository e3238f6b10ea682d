#include "python/immortal.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {
namespace {

// An object begins with its count, in 64 bits of which later versions use the upper half for other
// things; negative as 32 bits is without one. The stable ABI has no function for it, but the layout
// is part of it: extensions that were built for 3.11 count by themselves.
static_assert(sizeof(void*) == 8);

u64 count_word(const PyObject* object) {
  u64 word;
  std::memcpy(&word, object, sizeof word);
  return word;
}

bool has_no_count(const PyObject* object) {
  return static_cast<std::int32_t>(count_word(object)) < 0;
}

void take_count(PyObject* object) {
  const u64 word = (count_word(object) & ~u64{0xFFFFFFFF}) | static_cast<u32>(count_word(Py_None));
  std::memcpy(static_cast<void*>(object), &word, sizeof word);
}

// Not by version: what this interpreter does with a count like None's.
bool knows_immortals() {
  if (!has_no_count(Py_None)) return false;
  PyObject* const probe = PyList_New(0);
  if (!probe) return false;
  take_count(probe);
  const u64 before = count_word(probe);
  Py_IncRef(probe);
  const bool kept = count_word(probe) == before;
  Py_DecRef(probe);
  return kept && count_word(probe) == before;
}

template <class Function>
Function slot(PyTypeObject* type, int number) {
  return reinterpret_cast<Function>(PyType_GetSlot(type, number));
}

// Without its count it would never be called.
bool ends_with_a_deed(PyTypeObject* type) {
  return slot<destructor>(type, Py_tp_finalize) != nullptr;
}

// Everything that can be reached, each object once: who has no count any more has been here.
class Walk {
 public:
  explicit Walk(PyTypeObject* code_type) : code_type_(code_type) {}

  void visit(PyObject* object) {
    if (has_no_count(object) || ends_with_a_deed(Py_TYPE(object))) return;
    take_count(object);
    ++taken_;
    to_look_into_.push_back(object);
  }

  // False with an exception.
  bool run() {
    while (!to_look_into_.empty()) {
      PyObject* const object = to_look_into_.back();
      to_look_into_.pop_back();
      if (Py_TYPE(object) == code_type_) {
        if (!visit_code(object)) return false;
      } else {
        visit_referents(object);
      }
    }
    return true;
  }

  size_t taken() const { return taken_; }

 private:
  // As the collector of garbage finds them.
  void visit_referents(PyObject* object) {
    PyTypeObject* const type = Py_TYPE(object);
    if (!PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC)) return;
    const auto is_gc = slot<inquiry>(type, Py_tp_is_gc);
    if (is_gc && !is_gc(object)) return;  // a type that is built in
    const auto traverse = slot<traverseproc>(type, Py_tp_traverse);
    if (!traverse) return;
    traverse(
        object,
        [](PyObject* referent, void* walk) {
          static_cast<Walk*>(walk)->visit(referent);
          return 0;
        },
        this);
  }

  // The collector does not look into code. Its other attributes are made when they are asked for.
  bool visit_code(PyObject* code) {
    for (const char* name : {"co_consts", "co_names", "co_filename", "co_name", "co_qualname",
                             "co_linetable", "co_exceptiontable"}) {
      const Ref value = Ref::steal(PyObject_GetAttrString(code, name));
      if (!value) return false;
      visit(value.get());
    }
    return true;
  }

  PyTypeObject* code_type_;
  std::vector<PyObject*> to_look_into_;
  size_t taken_ = 0;
};

// No public name leads to it without importing a module of Python's.
Ref code_type() {
  const Ref types = Ref::steal(PyImport_ImportModule("types"));
  return types ? Ref::steal(PyObject_GetAttrString(types.get(), "CodeType")) : Ref();
}

}  // namespace

PyObject* make_immortal(PyObject*, PyObject* objects) {
  if (!PyList_Check(objects)) {
    PyErr_SetString(PyExc_TypeError, "make_immortal takes a list");
    return nullptr;
  }
  if (!knows_immortals()) return PyErr_Occurred() ? nullptr : PyLong_FromLong(0);
  const Ref code = code_type();
  if (!code) return nullptr;
  Walk walk(reinterpret_cast<PyTypeObject*>(code.get()));
  for (Py_ssize_t i = 0; i < PyList_Size(objects); ++i) walk.visit(PyList_GetItem(objects, i));
  if (!walk.run()) return nullptr;
  return PyLong_FromSize_t(walk.taken());
}

}  // namespace labcoat::python
