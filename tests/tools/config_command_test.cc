#include "tools/config_command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "realtime/config.h"
#include "realtime/config_file.h"

namespace ringroom::tools {
namespace {

std::string documented_path;

TEST(ConfigCommand, PrintsDefaultsThatAreReadBackAsThey) {
  realtime::Config config;
  const auto done = realtime::read_file_text(config, config_defaults(), "defaults");
  ASSERT_TRUE(done) << done.error().sentence;
  for (const realtime::Option& option : realtime::options)
    EXPECT_EQ(realtime::print(config, option), realtime::print(realtime::Config{}, option));
}

TEST(ConfigCommand, PrintsTheDocumentThatIsInTheTree) {
  std::ifstream file(documented_path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), config_markdown()) << "run: ringroom config docs > docs/config.md";
}

}  // namespace
}  // namespace ringroom::tools

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) ringroom::tools::documented_path = argv[1];
  return RUN_ALL_TESTS();
}
