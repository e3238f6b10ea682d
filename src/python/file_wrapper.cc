#include "python/file_wrapper.h"

#include <algorithm>
#include <sys/stat.h>

#include "python/names.h"

namespace labcoat::python {
namespace {

struct FileWrapper {
  PyObject_HEAD PyObject* file;
  PyObject* block_bytes;
};

FileWrapper* of(PyObject* self) {
  return reinterpret_cast<FileWrapper*>(self);
}

int init(PyObject* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"filelike", "blksize", nullptr};
  PyObject* file;
  PyObject* block_bytes = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O", const_cast<char**>(names), &file,
                                   &block_bytes)) {
    return -1;
  }
  Ref size = block_bytes ? Ref::share(block_bytes) : Ref::steal(PyLong_FromLong(64 * 1024));
  if (!size) return -1;
  Py_INCREF(file);
  const Ref old_file = Ref::steal(std::exchange(of(self)->file, file));
  const Ref old_size = Ref::steal(std::exchange(of(self)->block_bytes, size.release()));
  return 0;
}

PyObject* next(PyObject* self) {
  if (!of(self)->file) return nullptr;
  Ref block = Ref::steal(
      PyObject_CallMethodObjArgs(of(self)->file, names().read, of(self)->block_bytes, nullptr));
  if (!block) return nullptr;
  const int more = PyObject_IsTrue(block.get());
  return more > 0 ? block.release() : nullptr;
}

PyObject* close(PyObject* self, PyObject*) {
  if (!of(self)->file) Py_RETURN_NONE;
  const Ref method = Ref::steal(PyObject_GetAttr(of(self)->file, names().close));
  if (!method) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return nullptr;
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  return PyObject_CallNoArgs(method.get());
}

PyObject* get_file(PyObject* self, void*) {
  return Ref::share(of(self)->file ? of(self)->file : Py_None).release();
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(of(self)->file);
  Py_VISIT(of(self)->block_bytes);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(of(self)->file);
  Py_CLEAR(of(self)->block_bytes);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"close", close, METH_NOARGS, "Closes the wrapped file, when it can be closed."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"filelike", get_file, nullptr, "The wrapped object.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("FileWrapper(filelike, blksize=65536): wsgi.file_wrapper.")},
    {0, nullptr},
};

PyType_Spec spec = {"labcoat._labcoat.FileWrapper", sizeof(FileWrapper), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

bool is_named(PyObject* object, const char* module, const char* name) {
  const auto equals = [object](const char* attribute, const char* expected) {
    const Ref value =
        Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), attribute));
    if (value && PyUnicode_Check(value.get())) {
      return PyUnicode_CompareWithASCIIString(value.get(), expected) == 0;
    }
    PyErr_Clear();
    return false;
  };
  return equals("__name__", name) && equals("__module__", module);
}

// fileno() alone proves nothing: gzip, bz2 and lzma files answer with the compressed file below
// them. So only the standard library's plain binary files count, and what tempfile puts around
// them.
Ref plain_object(PyObject* file) {
  Ref object = Ref::share(file);
  if (is_named(file, "tempfile", "_TemporaryFileWrapper")) {
    object = Ref::steal(PyObject_GetAttrString(file, "file"));
    if (!object) return {};
  }
  if (is_named(object.get(), "_io", "FileIO")) return object;
  if (is_named(object.get(), "_io", "BufferedReader") ||
      is_named(object.get(), "_io", "BufferedRandom")) {
    const Ref raw = Ref::steal(PyObject_GetAttrString(object.get(), "raw"));
    if (raw && is_named(raw.get(), "_io", "FileIO")) return object;
  }
  return {};
}

std::optional<i64> call_for_number(PyObject* object, const char* method) {
  const Ref name = Ref::steal(PyUnicode_InternFromString(method));
  const Ref number =
      name ? Ref::steal(PyObject_CallMethodObjArgs(object, name.get(), nullptr)) : Ref();
  if (!number || !PyLong_Check(number.get())) return std::nullopt;
  const long long value = PyLong_AsLongLong(number.get());
  if (value < 0) return std::nullopt;
  return value;
}

std::optional<PlainFile> look_at(PyObject* file) {
  const Ref object = plain_object(file);
  if (!object) return std::nullopt;
  const auto fd = call_for_number(object.get(), "fileno");
  if (!fd) return std::nullopt;
  // Bytes that were written through a read-write file may still lie in its buffer.
  const Ref flushed = Ref::steal(PyObject_CallMethod(object.get(), "flush", nullptr));
  const auto offset = flushed ? call_for_number(object.get(), "tell") : std::nullopt;
  struct stat info;
  if (!offset || fstat(static_cast<int>(*fd), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  return PlainFile{static_cast<int>(*fd), *offset, std::max<i64>(0, info.st_size - *offset)};
}

}  // namespace

PyObject* make_file_wrapper_type() {
  return PyType_FromSpec(&spec);
}

std::optional<PlainFile> plain_file(PyObject* wrapper) {
  if (!of(wrapper)->file) return std::nullopt;
  const auto file = look_at(of(wrapper)->file);
  if (!file) PyErr_Clear();
  return file;
}

}  // namespace labcoat::python
