// No `#pragma once`: it is compiled by itself, where GCC warns of one.
// Precompiled for the library: shard.h reaches nearly everything, and reading it takes longer than
// compiling most files that need it. No file counts on it: clang's build goes without (b_pch).
#include "realtime/shard.h"
