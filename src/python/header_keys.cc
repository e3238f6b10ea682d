#include "python/header_keys.h"

#include <cstring>

#include "python/latin1.h"

namespace labcoat::python {

u64 hash_of_name(std::string_view name) {
  u64 first = 0, last = 0;
  if (name.size() >= 8) {
    std::memcpy(&first, name.data(), 8);
    std::memcpy(&last, name.data() + name.size() - 8, 8);
  } else {
    std::memcpy(&first, name.data(), name.size());
  }
  u64 hash = (first ^ (last * 0x9e3779b97f4a7c15) ^ name.size()) * 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

HeaderKey* HeaderKeys::find(std::string_view name) {
  size_t at = hash_of_name(name);
  for (;; ++at) {
    Entry& entry = table_[at & (table_size - 1)];
    if (!entry.key) return remember(name, entry);
    if (entry.name == name) return entry.key;
  }
}

HeaderKey* HeaderKeys::remember(std::string_view name, Entry& entry) {
  unremembered_ = HeaderKey();
  if (!describe(name, unremembered_)) return nullptr;
  HeaderKey* known = nullptr;
  for (const auto& key : keys_) {
    if (key->key.get() == unremembered_.key.get() && key->kind == unremembered_.kind) {
      known = key.get();
    }
  }
  if (names_ == names_max || name.size() > name_bytes_max) {
    return known ? known : &unremembered_;
  }
  if (!known) {
    keys_.push_back(std::make_unique<HeaderKey>(std::move(unremembered_)));
    known = keys_.back().get();
  }
  entry.name = name;
  entry.key = known;
  ++names_;
  return known;
}

bool HeaderKeys::describe(std::string_view name, HeaderKey& out) {
  // The edge's own variables: it lets no client's field with an underscore pass.
  const bool is_variable = name.starts_with("SSL_");
  std::string key;
  for (const char c : name) {
    // X_Real_IP would land on the key of X-Real-IP, past whoever checks the latter.
    if (c == '_' && !is_variable) return true;
    key.push_back(c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  }
  // HTTP_PROXY is a setting of many HTTP client libraries (https://httpoxy.org). The body's framing
  // is undone by the edge: CONTENT_LENGTH says how long it is.
  if (key == "PROXY" || key == "TRANSFER_ENCODING") return true;
  out.kind = key == "COOKIE"           ? HeaderKey::Kind::cookie
             : key == "CONTENT_LENGTH" ? HeaderKey::Kind::content_length
                                       : HeaderKey::Kind::list;
  const bool is_bare = is_variable || key == "CONTENT_TYPE" || key == "CONTENT_LENGTH";
  if (!is_bare) key.insert(0, "HTTP_");
  PyObject* text = str_of_latin1(key);
  if (!text) return false;
  PyUnicode_InternInPlace(&text);
  out.key = Ref::steal(text);
  return PyObject_Hash(text) != -1;
}

PyObject* HeaderKeys::value_of(HeaderKey& key, std::string_view value) {
  if (key.value_object && key.value == value) return Ref::share(key.value_object.get()).release();
  Ref text = Ref::steal(str_of_latin1(value));
  if (text && value.size() <= value_bytes_max) {
    key.value = value;
    key.value_object = Ref::share(text.get());
  }
  return text.release();
}

}  // namespace labcoat::python
