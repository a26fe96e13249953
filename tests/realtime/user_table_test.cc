#include "realtime/session/user_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

ScopedName name(std::string_view text) { return ScopedName::kept(text); }

TEST(UserTable, KeepsIdsOfEveryLengthAroundItsPadding) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  std::vector<User*> added;
  for (std::size_t bytes = 1; bytes <= 255; ++bytes)
    added.push_back(&users.add(name(std::string(bytes, 'u')), bytes));
  for (std::size_t bytes = 1; bytes <= 255; ++bytes) {
    EXPECT_EQ(users.find(name(std::string(bytes, 'u')), bytes), added[bytes - 1]);
    EXPECT_EQ(added[bytes - 1]->id(), std::string(bytes, 'u'));
  }
}

TEST(UserTable, TellsUsersOfTwoWorkspacesApart) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  const std::string longest_id(255, 'w');
  const Workspace acme = *Workspace::of("acme"), longest = *Workspace::of(longest_id);
  User& ann = users.add(name("ann"), 7);
  User& other_ann = users.add(NameIn(acme, "ann"), 7);
  User& third_ann = users.add(NameIn(longest, "ann"), 7);
  EXPECT_EQ(users.find(name("ann"), 7), &ann);
  EXPECT_EQ(users.find(NameIn(acme, "ann"), 7), &other_ann);
  EXPECT_EQ(users.find(NameIn(longest, "ann"), 7), &third_ann);
  EXPECT_TRUE(ann.workspace().is_default());
  EXPECT_EQ(other_ann.workspace(), acme);
  EXPECT_EQ(third_ann.workspace(), longest);
  for (const User* each : {&ann, &other_ann, &third_ann}) EXPECT_EQ(each->id(), "ann");
  users.remove(ann);
  EXPECT_EQ(users.find(name("ann"), 7), nullptr);
  EXPECT_EQ(users.find(NameIn(acme, "ann"), 7), &other_ann);
}

TEST(UserTable, TellsUsersWithOneHashApart) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  User& ann = users.add(name("ann"), 7);
  EXPECT_EQ(users.find(name("bo"), 7), nullptr);
  User& bo = users.add(name("bo"), 7);
  EXPECT_EQ(users.find(name("ann"), 7), &ann);
  EXPECT_EQ(users.find(name("bo"), 7), &bo);
  users.remove(ann);
  EXPECT_EQ(users.find(name("ann"), 7), nullptr);
  EXPECT_EQ(users.find(name("bo"), 7), &bo);
}

TEST(UserTableDeathTest, DoesNotForgetAUserWhoHasASession) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  User& ann = users.add(name("ann"), 7);
  ann.first_session = 3;
  EXPECT_DEATH(users.remove(ann), "no_session");
}

// A map is the model: same users, same operations, same result, across every growth of the table.
TEST(UserTable, AgreesWithAMapOverRandomOperations) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  std::map<std::string, User*> model;
  std::mt19937 random(1);
  for (int step = 0; step < 20'000; ++step) {
    const std::string id = "user-" + std::to_string(random() % 2'000);
    const std::uint64_t hash = std::hash<std::string>{}(id) % 1'000;  // collisions are common
    const auto known = model.find(id);
    ASSERT_EQ(users.find(name(id), hash), known == model.end() ? nullptr : known->second);
    if (known == model.end()) {
      model[id] = &users.add(name(id), hash);
    } else if (random() % 3 == 0) {
      users.remove(*known->second);
      model.erase(known);
    }
    ASSERT_EQ(users.size(), model.size());
  }
}

}  // namespace
}  // namespace ringroom::realtime
