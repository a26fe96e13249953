#pragma once

namespace ringroom::tools {

// `ringroom routes`: every route of the server, a line each: method, path, whom it is for, and the
// scope that a key must have (`-`: none).
int routes_command(int argc, char** argv);

}  // namespace ringroom::tools
