// Status codes and their reason phrases, RFC 9110 section 15 and the IANA registry.
#pragma once

#include <string_view>

namespace labcoat::http {

// "Not Found"; "Unknown" for a code without a registered phrase.
std::string_view reason_phrase(int status);
// RFC 9110 sections 6.4.1, 15.2, 15.3.5, 15.4.5: 1xx, 204 and 304 never have a body.
bool forbids_body(int status);

}  // namespace labcoat::http
