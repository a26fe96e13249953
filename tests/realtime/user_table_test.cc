#include "realtime/session/user_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace ringroom::realtime {
namespace {

TEST(UserTable, KeepsIdsOfEveryLengthAroundItsPadding) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  std::vector<User*> added;
  for (std::size_t bytes = 1; bytes <= 255; ++bytes)
    added.push_back(&users.add(std::string(bytes, 'u'), bytes));
  for (std::size_t bytes = 1; bytes <= 255; ++bytes) {
    EXPECT_EQ(users.find(std::string(bytes, 'u'), bytes), added[bytes - 1]);
    EXPECT_EQ(added[bytes - 1]->id(), std::string(bytes, 'u'));
  }
}

TEST(UserTable, TellsUsersWithOneHashApart) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  User& ann = users.add("ann", 7);
  EXPECT_EQ(users.find("bo", 7), nullptr);
  User& bo = users.add("bo", 7);
  EXPECT_EQ(users.find("ann", 7), &ann);
  EXPECT_EQ(users.find("bo", 7), &bo);
  users.remove(ann);
  EXPECT_EQ(users.find("ann", 7), nullptr);
  EXPECT_EQ(users.find("bo", 7), &bo);
}

TEST(UserTableDeathTest, DoesNotForgetAUserWhoHasASession) {
  alloc::CoreHeap heap;
  UserTable users(heap);
  User& ann = users.add("ann", 7);
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
    ASSERT_EQ(users.find(id, hash), known == model.end() ? nullptr : known->second);
    if (known == model.end()) {
      model[id] = &users.add(id, hash);
    } else if (random() % 3 == 0) {
      users.remove(*known->second);
      model.erase(known);
    }
    ASSERT_EQ(users.size(), model.size());
  }
}

}  // namespace
}  // namespace ringroom::realtime
