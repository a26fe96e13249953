// Runs one fuzz target over its corpus, so that what was found once stays found with any compiler.
// Each input is also run shortened at every byte, where the interesting cuts are.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t prefixes_of_inputs_up_to_bytes = 600;

std::vector<std::uint8_t> content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A copy of its own size: reading one byte too far is reading foreign memory.
void run(const std::vector<std::uint8_t>& input, std::size_t bytes) {
  const std::vector<std::uint8_t> part(input.begin(), input.begin() + std::ptrdiff_t(bytes));
  LLVMFuzzerTestOneInput(part.data(), part.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const std::vector<std::uint8_t> input = content_of(entry.path());
      std::printf("%s\n", entry.path().filename().c_str());
      std::fflush(stdout);  // the last name printed is the one that failed
      if (input.size() <= prefixes_of_inputs_up_to_bytes)
        for (std::size_t bytes = 0; bytes < input.size(); ++bytes) run(input, bytes);
      run(input, input.size());
      ++inputs;
    }
  }
  if (inputs == 0) std::fprintf(stderr, "no corpus found\n");
  return inputs == 0 ? 1 : 0;
}
