// HeaderKeys turns the name of a request header into the environ key it gets: "Accept-Encoding" is
// HTTP_ACCEPT_ENCODING. Clients send the same few names over and over, so names are remembered, and
// with each key its last value: a header that did not change costs one comparison.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

// Over the first and last eight bytes and the length: enough to tell the common names apart.
u64 hash_of_name(std::string_view name);

// What is known of one environ key; several spellings of a name share it.
struct HeaderKey {
  enum class Kind : u8 {
    dropped,  // not given to the app
    list,     // more than one is joined with ","
    cookie,   // more than one is joined with "; "
    content_length,
  };
  Kind kind = Kind::dropped;
  Ref key;
  u64 seen_in = 0;  // number of the last request that had it
  std::string value;
  Ref value_object;  // str of `value`
};

class HeaderKeys {
 public:
  // Valid until the next call. nullptr with an exception when memory is short.
  HeaderKey* find(std::string_view name);
  // A new reference to the str of this value.
  static PyObject* value_of(HeaderKey& key, std::string_view value);

 private:
  static constexpr size_t table_size = 1024;  // a power of two
  static constexpr size_t names_max = 256;    // more are looked up the long way each time
  static constexpr size_t name_bytes_max = 64;
  static constexpr size_t value_bytes_max = 512;  // longer values are not remembered

  struct Entry {
    std::string name;  // as the client spelled it
    HeaderKey* key = nullptr;
  };

  HeaderKey* remember(std::string_view name, Entry& entry);
  static bool describe(std::string_view name, HeaderKey& out);

  std::array<Entry, table_size> table_;
  std::vector<std::unique_ptr<HeaderKey>> keys_;
  size_t names_ = 0;
  HeaderKey unremembered_;
};

}  // namespace labcoat::python
