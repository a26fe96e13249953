#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"

namespace ringroom::realtime {

// A tenant (A2). A session is in exactly one, and rooms, users and all that is known of them are in
// one too: the same name in another workspace is another room, another user.
//
// A view of its id. Equal ids are equal bytes; nothing is folded or normalised.
class Workspace {
 public:
  // The one of who names none.
  static constexpr std::string_view default_id = "default";
  constexpr Workspace() = default;

  // nullopt: no id. It is a name as rooms have them: 1 to 255 bytes of UTF-8, no control
  // characters.
  static std::optional<Workspace> of(std::string_view id);
  template <class Text>
  requires std::same_as<Text, std::string>
  static std::optional<Workspace> of(Text&& text_that_ends) = delete;

  constexpr std::string_view id() const { return id_.empty() ? default_id : id_; }
  constexpr bool is_default() const { return id_.empty(); }
  bool operator==(const Workspace&) const = default;
  void each_text(auto&& f) { f(id_); }

 private:
  friend class ScopedName;
  friend class NameIn;
  friend class OwnedWorkspace;
  explicit constexpr Workspace(std::string_view id) : id_(id) {}

  std::string_view id_;  // empty: the default, however it was said
};

// The name of a room, a pattern or a user in its workspace: the only form in which names are
// hashed, compared, kept, and sent from core to core. It cannot be mistaken for what clients say
// and hear, which is a plain text: from there it is made by NameIn, back it goes by shown().
//
//   lobby         `lobby` in the workspace `default`
//   acme|lobby    `lobby` in `acme`; the | is U+001F, which no name holds
//
// A view, as long as what it was made from.
class ScopedName {
 public:
  constexpr ScopedName() = default;
  // Of a text() that was kept.
  static constexpr ScopedName kept(std::string_view text) { return ScopedName(text); }

  constexpr std::string_view text() const { return text_; }
  constexpr std::string_view shown() const { return text_.substr(shown_at()); }
  constexpr Workspace workspace() const {
    const std::size_t at = shown_at();
    return at == 0 ? Workspace() : Workspace(text_.substr(0, at - 1));
  }
  // Where in text() what is shown begins.
  constexpr std::size_t shown_at() const { return text_.find(separator) + 1; }  // npos + 1 is 0
  constexpr bool empty() const { return text_.empty(); }
  bool operator==(const ScopedName&) const = default;
  void each_text(auto&& f) { f(text_); }

 private:
  friend class NameIn;
  static constexpr char separator = '\x1f';
  explicit constexpr ScopedName(std::string_view text) : text_(text) {}

  std::string_view text_;
};

// Makes one: keep it as long as the name is in use. Of the default workspace it is the text itself.
//
//   const NameIn room(workspace_of(session), command.room);
class NameIn {
 public:
  // `name` has passed the check of names, so it holds no control character.
  NameIn(Workspace workspace, std::string_view name) : name_(name) {
    RR_CHECK(name.find(ScopedName::separator) == std::string_view::npos);
    if (!workspace.is_default()) join(workspace);
  }
  template <class Text>
  requires std::same_as<Text, std::string> NameIn(Workspace workspace, Text&& text_that_ends)
  = delete;
  NameIn(const NameIn&) = delete;
  NameIn& operator=(const NameIn&) = delete;

  operator ScopedName() const { return name_; }
  const ScopedName* operator->() const { return &name_; }

 private:
  void join(Workspace workspace);

  ScopedName name_;
  // An id, the separator and a name, which may be a user's behind `user:`.
  std::array<char, 2 * 255 + 1 + 5> text_;
};

// Those that are kept.
class OwnedWorkspace {
 public:
  OwnedWorkspace() = default;
  explicit OwnedWorkspace(Workspace workspace) : id_(workspace.id_) {}

  operator Workspace() const { return Workspace(id_); }

 private:
  std::string id_;
};

class OwnedName {
 public:
  OwnedName() = default;
  explicit OwnedName(ScopedName name) : text_(name.text()) {}

  operator ScopedName() const { return ScopedName::kept(text_); }
  std::string_view shown() const { return ScopedName::kept(text_).shown(); }

 private:
  std::string text_;
};

}  // namespace ringroom::realtime
