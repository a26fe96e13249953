#include "proto/merge_patch.h"

#include <gtest/gtest.h>

#include <string>

#include "alloc/core_heap.h"

namespace ringroom::proto {
namespace {

struct Patch {
  bool told;
  std::string text;
  bool operator==(const Patch&) const = default;
};

Patch patch(std::string_view from, std::string_view to) {
  alloc::CoreHeap memory;
  alloc::BlockHeap heap(memory);
  alloc::BlockBuilder out(heap);
  JsonParser before, after;
  const auto old_value = before.parse_copy(from);
  const auto new_value = after.parse_copy(to);
  EXPECT_TRUE(old_value && new_value);
  out.append("kept ");
  const bool told = append_merge_patch(*old_value, *new_value, out);
  EXPECT_EQ(out.text().substr(0, 5), "kept ");
  return {told, std::string(out.text().substr(5))};
}

TEST(MergePatch, SaysWhatIsNewDifferentAndGone) {
  EXPECT_EQ(patch(R"({"a":1,"b":2,"c":3})", R"({"a":1,"b":4,"d":5})"),
            (Patch{true, R"({"b":4,"d":5,"c":null})"}));
}

TEST(MergePatch, GoesIntoObjectsButTakesArraysWhole) {
  EXPECT_EQ(
      patch(R"({"o":{"x":1,"y":{"z":1}},"l":[1,2]})", R"({"o":{"x":1,"y":{"z":2}},"l":[1,null]})"),
      (Patch{true, R"({"o":{"y":{"z":2}},"l":[1,null]})"}));
}

TEST(MergePatch, IsEmptyForTheSameValue) {
  EXPECT_EQ(patch(R"({"a":{"b":[1]}})", R"({"a":{"b":[1]}})"), (Patch{true, "{}"}));
}

TEST(MergePatch, CannotSetAMemberToNull) {
  EXPECT_EQ(patch(R"({})", R"({"a":null})"), (Patch{false, ""}));
  EXPECT_EQ(patch(R"({"a":1})", R"({"a":{"b":{"c":null}}})"), (Patch{false, ""}));
  EXPECT_EQ(patch(R"({"a":{"b":1}})", R"({"a":{"b":null}})"), (Patch{false, ""}));
}

TEST(MergePatch, LeavesANullThatWasThereBefore) {
  EXPECT_EQ(patch(R"({"a":null,"b":1})", R"({"a":null,"b":2})"), (Patch{true, R"({"b":2})"}));
}

TEST(MergePatch, ReplacesAnObjectByAScalarAndBack) {
  EXPECT_EQ(patch(R"({"a":{"b":1}})", R"({"a":1})"), (Patch{true, R"({"a":1})"}));
  EXPECT_EQ(patch(R"({"a":1})", R"({"a":{"b":1}})"), (Patch{true, R"({"a":{"b":1}})"}));
}

TEST(MergePatch, LeavesObjectsWithTwoMembersOfOneNameAlone) {
  EXPECT_EQ(patch(R"({"a":1,"a":2})", R"({"a":1})"), (Patch{false, ""}));
  EXPECT_EQ(patch(R"({"a":1})", R"({"a":1,"a":2})"), (Patch{false, ""}));
}

TEST(MergePatch, EscapesNames) {
  EXPECT_EQ(patch(R"({"\"\n":1})", R"({"\"\n":2})"), (Patch{true, R"({"\"\n":2})"}));
}

}  // namespace
}  // namespace ringroom::proto
