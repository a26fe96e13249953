#pragma once

#include <string_view>

#include "base/result.h"
#include "realtime/access/key.h"

namespace ringroom::realtime {

// One key as PEM text: a public key, or the one of a certificate, whose dates and signature are not
// looked at: who put the file there vouches for it. Nobody is asked for a passphrase.
Result<Pkey, KeyError> read_public_pem(std::string_view text);
Result<Pkey, KeyError> read_private_pem(std::string_view text);

}  // namespace ringroom::realtime
