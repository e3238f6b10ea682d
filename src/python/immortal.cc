#include "python/immortal.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <unordered_map>
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

// Where it is tried. In 3.14 references on the interpreter's stack are told by a flag beside the
// count, and code that has run takes some constants to be counted.
bool knows_immortals() {
  return has_no_count(Py_None) && Py_Version >= 0x030C0000 && Py_Version < 0x030E0000;
}

template <class Function>
Function slot(PyTypeObject* type, int number) {
  return reinterpret_cast<Function>(PyType_GetSlot(type, number));
}

// Which objects only hold memory and other objects. What a type of an extension, or of Python's own
// for files and the like, does at the death of an object cannot be seen from outside.
class InertTypes {
 public:
  // False with an exception.
  bool open() {
    const Ref plain = Ref::steal(
        PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){}", "Plain"));
    if (!plain) return false;
    class_dealloc_ = dealloc_of(reinterpret_cast<PyTypeObject*>(plain.get()));
    return true;
  }

  bool has(PyTypeObject* type) {
    const auto known = known_.find(type);
    if (known != known_.end()) return known->second;
    return known_[type] = look_at(type);
  }

 private:
  static destructor dealloc_of(PyTypeObject* type) { return slot<destructor>(type, Py_tp_dealloc); }

  bool look_at(PyTypeObject* type) const {
    if (slot<destructor>(type, Py_tp_finalize) != nullptr) return false;  // __del__, for one
    // A class that is written in Python ends as the type below it that is not.
    while (dealloc_of(type) == class_dealloc_) type = slot<PyTypeObject*>(type, Py_tp_base);
    const auto is = [type](const auto& names, const char* attribute) {
      const Ref value =
          Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), attribute));
      const char* const text = value ? PyUnicode_AsUTF8AndSize(value.get(), nullptr) : nullptr;
      PyErr_Clear();
      return text && std::find(std::begin(names), std::end(names), std::string_view(text)) !=
                         std::end(names);
    };
    return is(inert_modules, "__module__") && !is(builtins_with_a_deed, "__name__");
  }

  static constexpr std::string_view inert_modules[] = {
      "builtins", "types",    "typing",  "collections", "functools", "operator", "itertools",
      "re",       "datetime", "decimal", "weakref",     "_abc",      "abc"};
  static constexpr std::string_view builtins_with_a_deed[] = {"memoryview", "managedbuffer",
                                                              "PyCapsule"};

  destructor class_dealloc_ = nullptr;
  std::unordered_map<PyTypeObject*, bool> known_;
};

// Everything that can be reached, each object once: who has no count any more has been here.
class Walk {
 public:
  // False with an exception.
  bool open() {
    const Ref types = Ref::steal(PyImport_ImportModule("types"));
    if (types) code_type_ = Ref::steal(PyObject_GetAttrString(types.get(), "CodeType"));
    return code_type_ && inert_.open();
  }

  void visit(PyObject* object) {
    if (has_no_count(object) || !inert_.has(Py_TYPE(object))) return;
    take_count(object);
    ++taken_;
    to_look_into_.push_back(object);
  }

  // False with an exception.
  bool run() {
    while (!to_look_into_.empty()) {
      PyObject* const object = to_look_into_.back();
      to_look_into_.pop_back();
      if (PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(code_type_.get()))) {
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
      PyObject* const value = PyObject_GetAttrString(code, name);
      if (!value) return false;
      Py_DECREF(value);  // the code has it
      visit(value);
    }
    return true;
  }

  Ref code_type_;
  InertTypes inert_;
  std::vector<PyObject*> to_look_into_;
  size_t taken_ = 0;
};

}  // namespace

PyObject* make_immortal(PyObject*, PyObject* objects) {
  if (!PyList_Check(objects)) {
    PyErr_SetString(PyExc_TypeError, "make_immortal takes a list");
    return nullptr;
  }
  if (!knows_immortals()) return PyLong_FromLong(0);
  Walk walk;
  if (!walk.open()) return nullptr;
  for (Py_ssize_t i = 0; i < PyList_Size(objects); ++i) walk.visit(PyList_GetItem(objects, i));
  if (!walk.run()) return nullptr;
  return PyLong_FromSize_t(walk.taken());
}

}  // namespace labcoat::python
