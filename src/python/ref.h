// Ref owns one reference to a Python object. Every method needs the GIL.
#pragma once

#include <Python.h>

#include <utility>

namespace labcoat::python {

class Ref {
 public:
  Ref() = default;
  // Takes over a reference that the caller owns; nullptr stays nullptr.
  static Ref steal(PyObject* object) { return Ref(object); }
  // Adds a reference of its own.
  static Ref share(PyObject* object) {
    Py_XINCREF(object);
    return Ref(object);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    if (this != &other) {
      PyObject* const old = std::exchange(object_, std::exchange(other.object_, nullptr));
      Py_XDECREF(old);  // last: it may run any code
    }
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  PyObject* release() { return std::exchange(object_, nullptr); }

 private:
  explicit Ref(PyObject* object) : object_(object) {}
  PyObject* object_ = nullptr;
};

// The last step of a heap type's tp_dealloc.
inline void free_object(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

// Lets other Python threads run while this one waits.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() { PyEval_RestoreThread(state_); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace labcoat::python
