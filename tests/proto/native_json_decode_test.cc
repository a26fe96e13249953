#include <gtest/gtest.h>

#include <string>

#include "proto/bounds.h"
#include "proto/dialect/native_json.h"
#include "tests/proto/client_frame.h"

namespace ringroom::proto::dialect::native_json {
namespace {

class NativeDecode : public testing::Test {
 protected:
  Result<Command, DecodeError> decoded(std::string_view text) {
    text_.assign(text);
    text_.append(readable_behind_bytes, '}');
    return decode(std::as_writable_bytes(std::span(text_.data(), text.size())), parser_);
  }
  Command good(std::string_view text) {
    const auto result = decoded(text);
    EXPECT_TRUE(result) << text << ": " << result.error().path << " " << result.error().message;
    return result ? *result : Command{};
  }
  DecodeError bad(std::string_view text) {
    const auto result = decoded(text);
    EXPECT_FALSE(result) << text;
    return result ? DecodeError{} : result.error();
  }
  // The path of the complaint; every complaint has a sentence.
  std::string_view path_of(std::string_view text) {
    const DecodeError error = bad(text);
    EXPECT_EQ(error.code, ErrorCode::invalid) << text;
    EXPECT_FALSE(error.message.empty()) << text;
    return error.path;
  }

  std::string text_;
  JsonParser parser_;
};

TEST_F(NativeDecode, ReadsARoomMessage) {
  const Command command =
      good(R"({"type":"room_message","message_id":"2","room":"lobby","timestamp":1.5,)"
           R"("payload":{"text":"hi","n":[1,2]}})");
  EXPECT_EQ(command.kind, CommandKind::publish);
  EXPECT_EQ(command.type, "room_message");
  EXPECT_EQ(command.message_id, "2");
  EXPECT_EQ(command.room, "lobby");
  EXPECT_EQ(command.payload, R"({"text":"hi","n":[1,2]})");
}

TEST_F(NativeDecode, RefusesEveryPrefixOfAMessage) {
  const std::string_view text =
      R"({"type":"join_room","message_id":"1","room":"l\u00e4","payload":{"history":20}})";
  good(text);
  for (std::size_t cut = 0; cut < text.size(); ++cut)
    EXPECT_EQ(bad(text.substr(0, cut)).code, ErrorCode::bad_request) << cut;
}

TEST_F(NativeDecode, KnowsEveryTypeAClientMaySend) {
  struct Case {
    const char* text;
    CommandKind kind;
  };
  for (const auto& [text, kind] : {
           Case{R"({"type":"connect"})", CommandKind::connect},
           Case{R"({"type":"join_room","room":"r"})", CommandKind::join_room},
           Case{R"({"type":"leave_room","room":"r"})", CommandKind::leave_room},
           Case{R"({"type":"quote:update.v2","room":"r"})", CommandKind::publish},
           Case{R"({"type":"typing_indicator","room":"r"})", CommandKind::ephemeral},
           Case{R"({"type":"cursor_position","room":"r"})", CommandKind::ephemeral},
           Case{R"({"type":"ping"})", CommandKind::ping},
           Case{R"({"type":"heartbeat"})", CommandKind::heartbeat},
           Case{R"({"type":"presence","room":"r"})", CommandKind::presence},
           Case{R"({"type":"history","room":"r","payload":{"limit":0}})", CommandKind::history},
           Case{R"({"type":"refresh_token","payload":{"token":"t"}})", CommandKind::refresh_token},
           Case{R"({"type":"subscribe","payload":{"event_types":["a"]}})", CommandKind::subscribe},
           Case{R"({"type":"unsubscribe","payload":{"room_id":"r"}})", CommandKind::unsubscribe},
           Case{R"({"type":"request_metrics"})", CommandKind::request_metrics},
           Case{R"({"type":"query_request","message_id":"q"})", CommandKind::query_request},
           Case{R"({"type":"query_cancel","correlation_id":"q"})", CommandKind::query_cancel},
           Case{R"({"type":"message_batch","messages":[{}]})", CommandKind::message_batch},
           Case{R"({"type":"create_room","room":"r"})", CommandKind::create_room},
           Case{R"({"type":"delete_room","room":"r"})", CommandKind::delete_room},
           Case{R"({"type":"list_rooms"})", CommandKind::list_rooms},
           Case{R"({"type":"room_info","room":"r"})", CommandKind::room_info},
           Case{R"({"type":"update_presence","room":"r","payload":{"info":{}}})",
                CommandKind::update_presence},
           Case{R"({"type":"acknowledge","payload":{"sequence":1,"epoch":"e"}})",
                CommandKind::acknowledge},
       })
    EXPECT_EQ(good(text).kind, kind) << text;
}

TEST_F(NativeDecode, RefusesTypesThatOnlyTheServerSends) {
  for (const std::string type : {"connection_ack",
                                 "ack",
                                 "room_joined",
                                 "room_left",
                                 "user_joined",
                                 "user_left",
                                 "query_progress",
                                 "query_result",
                                 "query_cancelled",
                                 "endpoint_status",
                                 "system_message",
                                 "notification",
                                 "error_message",
                                 "validation_error",
                                 "pong",
                                 "reconnect",
                                 "room_reset",
                                 "room_created",
                                 "subscribed",
                                 "unsubscribed",
                                 "room_deleted",
                                 "room_list",
                                 "presence_diff",
                                 "user_updated"}) {
    EXPECT_TRUE(is_server_type(type));
    EXPECT_EQ(path_of(R"({"room":"r","type":")" + type + "\"}"), "type") << type;
  }
  EXPECT_FALSE(is_server_type("room_message"));
}

TEST_F(NativeDecode, HoldsTypesToTheirGrammar) {
  for (const std::string type : {"", "A", "1a", "_a", "a-b", "a b", "a\\u0000", "\\u00e4"})
    EXPECT_EQ(path_of(R"({"room":"r","type":")" + type + "\"}"), "type") << type;
  EXPECT_EQ(path_of(R"({"room":"r"})"), "type");
  EXPECT_EQ(path_of(R"({"type":null,"room":"r"})"), "type");
  EXPECT_EQ(path_of(R"({"type":5,"room":"r"})"), "type");
  EXPECT_TRUE(is_type_name(std::string(64, 'a')));
  EXPECT_FALSE(is_type_name(std::string(65, 'a')));
}

TEST_F(NativeDecode, HoldsRoomNamesToTheirBounds) {
  EXPECT_TRUE(is_room_name("r"));
  EXPECT_TRUE(is_room_name(std::string(255, 'r')));
  EXPECT_TRUE(is_room_name("caf\xc3\xa9 / #1"));
  EXPECT_FALSE(is_room_name(""));
  EXPECT_FALSE(is_room_name(std::string(256, 'r')));
  for (const char control : {'\0', '\n', '\x1f', '\x7f'})
    EXPECT_FALSE(is_room_name(std::string("a") + control));
  EXPECT_FALSE(is_room_name("\xff"));
  EXPECT_EQ(path_of(R"({"type":"join_room","room":"a\u0000"})"), "room");
  EXPECT_EQ(path_of(R"({"type":"join_room","room":""})"), "room");
  EXPECT_EQ(path_of(R"({"type":"join_room","room":7})"), "room");
}

TEST_F(NativeDecode, RequiresTheRoomWhereOneIsNeeded) {
  for (const std::string_view type :
       {"join_room", "leave_room", "room_message", "custom", "typing_indicator", "presence",
        "create_room", "delete_room", "room_info", "update_presence"})
    EXPECT_EQ(path_of("{\"type\":\"" + std::string(type) + "\"}"), "room") << type;
}

TEST_F(NativeDecode, FindsTheRoomInThePayloadToo) {
  EXPECT_EQ(good(R"({"type":"x","payload":{"room":"a"}})").room, "a");
  EXPECT_EQ(good(R"({"type":"x","payload":{"room_id":"b"}})").room, "b");
  EXPECT_EQ(good(R"({"type":"x","room":"c","payload":{"room":"kitchen"}})").room, "c")
      << "the envelope decides; the payload is the client's own";
  EXPECT_EQ(path_of(R"({"type":"x","payload":{"room_id":7}})"), "room");
  EXPECT_EQ(path_of(R"({"type":"x","payload":{"room":"\u0007"}})"), "room");
}

TEST_F(NativeDecode, RefusesWhatIsNoObject) {
  for (const std::string_view text : {"null", "[]", "1", "\"x\"", "true"})
    EXPECT_EQ(path_of(text), "") << text;
  for (const std::string_view payload : {"[]", "1", "\"x\"", "true"})
    EXPECT_EQ(path_of(R"({"type":"x","room":"r","payload":)" + std::string(payload) + "}"),
              "payload");
  EXPECT_EQ(good(R"({"type":"x","room":"r","payload":null})").payload, "{}");
  EXPECT_EQ(good(R"({"type":"x","room":"r"})").payload, "{}");
}

TEST_F(NativeDecode, AnswersNoJsonWithBadRequest) {
  for (const std::string_view text :
       {"", "{", R"({"type":"x","room":"r","payload":{"x":tru}})",
        R"({"type":"x","room":"r","payload":{"x":1]}})",
        R"({"type":"x","room":"r","payload":{"x":"\ud800"}})",
        R"({"type":"x","room":"r","payload":{"x":1e999}})", R"({"type":"ping"}{})",
        R"({"type":"ping"} x)", "{\"type\":\"pi\nng\"}", "{\"type\":\"\xff\"}"})
    EXPECT_EQ(bad(text).code, ErrorCode::bad_request) << text;
  const std::string deep = R"({"type":"x","room":"r","payload":{"x":)" + std::string(500, '[') +
                           std::string(500, ']') + "}}";
  EXPECT_EQ(bad(deep).code, ErrorCode::bad_request);
}

TEST_F(NativeDecode, NamesTheMessageItComplainsAboutWhereverItsIdStands) {
  EXPECT_EQ(bad(R"({"type":"A","message_id":"m1"})").correlation_id, "m1");
  EXPECT_EQ(bad(R"({"message_id":"m2","type":"join_room"})").correlation_id, "m2");
  EXPECT_EQ(bad(R"({"type":"x","type":"y","message_id":"m3"})").correlation_id, "");
  EXPECT_EQ(bad(R"({"message_id":"m4","type":"x","type":"y"})").correlation_id, "m4");
}

TEST_F(NativeDecode, RefusesAFieldOfTheEnvelopeThatIsGivenTwice) {
  for (const std::string_view field :
       {"type", "message_id", "correlation_id", "room", "payload", "timestamp", "messages"}) {
    const std::string name(field);
    EXPECT_EQ(path_of("{\"" + name + "\":null,\"" + name + "\":null}"), field);
  }
  EXPECT_EQ(good(R"({"type":"ping","x":1,"x":2,"payload":{"a":1,"a":2}})").payload,
            R"({"a":1,"a":2})");
}

TEST_F(NativeDecode, IgnoresWhatOnlyTheServerMaySayAndWhatItDoesNotKnow) {
  const Command command =
      good(R"({"sender":7,"sequence":"x","epoch":[],"future":{"a":1},"type":"ping","room":null})");
  EXPECT_EQ(command.kind, CommandKind::ping);
}

TEST_F(NativeDecode, HoldsIdsToTheirBounds) {
  const auto with_id = [](std::size_t bytes) {
    return R"({"type":"ping","message_id":")" + std::string(bytes, 'i') + "\"}";
  };
  EXPECT_EQ(good(with_id(128)).message_id.size(), 128u);
  EXPECT_EQ(path_of(with_id(129)), "message_id");
  EXPECT_EQ(path_of(with_id(0)), "message_id");
  EXPECT_EQ(path_of(R"({"type":"ping","message_id":5})"), "message_id");
  EXPECT_EQ(path_of(R"({"type":"ping","message_id":"a\n"})"), "message_id");
  EXPECT_EQ(path_of(R"({"type":"ping","correlation_id":5})"), "correlation_id");
  EXPECT_EQ(good(R"({"type":"ping","message_id":null})").message_id, "");
}

TEST_F(NativeDecode, TakesTimesAsNumbersAndAsIso8601) {
  for (const std::string_view time :
       {"0", "1696248000.123", "-1", "1e9", "\"2023-10-02T12:00:00Z\"", "\"2023-10-02T12:00\"",
        "\"2023-10-02T12:00:00.123456+02:00\"", "null"})
    good(R"({"type":"ping","timestamp":)" + std::string(time) + "}");
  for (const std::string_view time :
       {"\"\"", "\"yesterday\"", "\"2023-10-02\"", "{}", "true", "\"2023/10/02T12:00:00Z\""})
    EXPECT_EQ(path_of(R"({"type":"ping","timestamp":)" + std::string(time) + "}"), "timestamp");
}

TEST_F(NativeDecode, TurnsLineEndsIntoBlanksAndNothingElse) {
  const Command command =
      good("{\"type\":\"x\",\r\n\"room\":\"r\",\n\"payload\":{\r\n\t\"a\":\n\"b\\n\"\r}\n}\n");
  EXPECT_EQ(command.payload, "{  \t\"a\": \"b\\n\" }");
}

TEST_F(NativeDecode, ReadsWhatConnectBrings) {
  const Command command =
      good(R"({"type":"connect","payload":{"token":"t.o.k","user_id":"ann","batch":true,)"
           R"("rooms":[{"room":"a","sequence":9,"epoch":"b5"},{"room":"b"}]}})");
  EXPECT_EQ(command.token, "t.o.k");
  EXPECT_EQ(command.user_id, "ann");
  EXPECT_TRUE(command.want_batches);
  ASSERT_EQ(command.rooms.size(), 2u);
  EXPECT_EQ(command.rooms[0].room, "a");
  ASSERT_TRUE(command.rooms[0].recover);
  EXPECT_EQ(command.rooms[0].recover->sequence, 9u);
  EXPECT_EQ(command.rooms[0].recover->epoch, "b5");
  EXPECT_FALSE(command.rooms[1].recover);
}

TEST_F(NativeDecode, ComplainsAboutWhatConnectBringsWrongly) {
  const auto path = [this](std::string_view payload) {
    return path_of(R"({"type":"connect","payload":)" + std::string(payload) + "}");
  };
  EXPECT_EQ(path(R"({"token":5})"), "payload.token");
  EXPECT_EQ(path(R"({"user_id":""})"), "payload.user_id");
  EXPECT_EQ(path(R"({"batch":1})"), "payload.batch");
  for (const std::string_view rooms :
       {R"("a")", R"({})", R"(["a"])", R"([{"room":""}])", "[{}]", R"([{"room":"a","sequence":1}])",
        R"([{"room":"a","epoch":"e"}])", R"([{"room":"a","sequence":-1,"epoch":"e"}])",
        R"([{"room":"a","sequence":1.5,"epoch":"e"}])",
        R"([{"room":"a","sequence":1,"epoch":""}])"})
    EXPECT_EQ(path("{\"rooms\":" + std::string(rooms) + "}"), "payload.rooms") << rooms;
}

TEST_F(NativeDecode, BoundsEveryList) {
  const auto list = [](std::size_t count, std::string_view item) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + std::string(item);
    return out + "]";
  };
  const auto connect = [&](std::size_t count) {
    return R"({"type":"connect","payload":{"rooms":)" +
           list(count, R"({"room":"a","sequence":1,"epoch":"e"})") + "}}";
  };
  EXPECT_EQ(good(connect(connect_rooms_max)).rooms.size(), connect_rooms_max);
  EXPECT_EQ(path_of(connect(connect_rooms_max + 1)), "payload.rooms");
  EXPECT_EQ(good(connect(0)).rooms.size(), 0u);

  const auto batch = [&](std::size_t count) {
    return R"({"type":"message_batch","messages":)" + list(count, "{}") + "}";
  };
  EXPECT_EQ(good(batch(batch_messages_max)).messages.size(), batch_messages_max);
  EXPECT_EQ(path_of(batch(batch_messages_max + 1)), "messages");
  EXPECT_EQ(path_of(batch(0)), "messages");

  const auto subscribe = [&](std::size_t count) {
    return R"({"type":"subscribe","payload":{"event_types":)" + list(count, "\"e\"") + "}}";
  };
  EXPECT_EQ(good(subscribe(event_types_max)).event_types.size(), event_types_max);
  EXPECT_EQ(path_of(subscribe(event_types_max + 1)), "payload.event_types");
  EXPECT_EQ(path_of(subscribe(0)), "payload.event_types");
}

TEST_F(NativeDecode, ReadsWhatJoinAndHistoryAskFor) {
  const Command join = good(
      R"({"type":"join_room","room":"lobby","payload":{"recover":{"sequence":41,"epoch":"b5"},)"
      R"("presence":true,"history":20}})");
  EXPECT_EQ(join.recover->sequence, 41u);
  EXPECT_EQ(join.recover->epoch, "b5");
  EXPECT_TRUE(join.want_members);
  EXPECT_EQ(join.history_limit, 20u);

  const Command history =
      good(R"({"type":"history","room":"r","payload":{"limit":1000,"reverse":true,)"
           R"("since":{"sequence":0,"epoch":"e"}}})");
  EXPECT_EQ(history.history_limit, 1000u);
  EXPECT_TRUE(history.reverse);
  EXPECT_EQ(history.recover->sequence, 0u);

  const auto join_path = [this](std::string_view payload) {
    return path_of(R"({"type":"join_room","room":"r","payload":)" + std::string(payload) + "}");
  };
  EXPECT_EQ(join_path(R"({"recover":{"sequence":1}})"), "payload.recover");
  EXPECT_EQ(join_path(R"({"recover":{"epoch":"e"}})"), "payload.recover");
  EXPECT_EQ(join_path(R"({"recover":7})"), "payload.recover");
  EXPECT_EQ(join_path(R"({"history":1001})"), "payload.history");
  EXPECT_EQ(join_path(R"({"history":-1})"), "payload.history");
  EXPECT_EQ(join_path(R"({"presence":"yes"})"), "payload.presence");
  EXPECT_FALSE(good(R"({"type":"join_room","room":"r","payload":{"recover":null}})").recover);
}

TEST_F(NativeDecode, ReadsTheKeyAndTheVersionOfAValue) {
  const Command value =
      good(R"({"type":"quote_update","room":"q","key":"eur","expected_version":7,"payload":{}})");
  EXPECT_EQ(value.kind, CommandKind::publish);
  EXPECT_EQ(value.key, "eur");
  EXPECT_EQ(value.expected_version, 7);
  EXPECT_FALSE(value.remove);
  EXPECT_TRUE(good(R"({"type":"room_message","room":"q","key":"eur","remove":true})").remove);
  EXPECT_FALSE(good(R"({"type":"room_message","room":"q"})").expected_version);
}

TEST_F(NativeDecode, ComplainsAboutAValueWithoutAKeyAndAVersionThatIsNone) {
  const auto with = [](const std::string& fields) {
    return R"({"type":"room_message","room":"q",)" + fields + "}";
  };
  EXPECT_EQ(path_of(with(R"("key":1)")), "key");
  EXPECT_EQ(path_of(with(R"("key":")" + std::string(key_bytes_max + 1, 'k') + '"')), "key");
  EXPECT_EQ(path_of(with(R"("remove":true)")), "key");
  EXPECT_EQ(path_of(with(R"("key":"k","remove":1)")), "remove");
  EXPECT_EQ(path_of(with(R"("expected_version":-1)")), "expected_version");
  EXPECT_EQ(path_of(with(R"("expected_version":"7")")), "expected_version");
}

TEST_F(NativeDecode, ReadsWhomAMessageReachesAndHowSoon) {
  for (const std::string type : {"room_message", "typing_indicator", "alert"}) {
    const Command command = good(R"({"room":"r","priority":"critical","requires":"premium:view",)"
                                 R"("type":")" +
                                 type + "\"}");
    EXPECT_EQ(command.priority, Priority::critical);
    EXPECT_EQ(command.required_permission, "premium:view");
  }
  EXPECT_EQ(good(R"({"type":"x","room":"r","priority":"low"})").priority, Priority::low);
  EXPECT_FALSE(good(R"({"type":"x","room":"r","priority":null})").priority);
  for (const std::string_view priority : {"\"urgent\"", "\"\"", "2", "\"LOW\""})
    EXPECT_EQ(path_of(R"({"type":"x","room":"r","priority":)" + std::string(priority) + "}"),
              "priority");
  for (const std::string& permission : {std::string("7"), std::string("\"\""),
                                        '"' + std::string(permission_bytes_max + 1, 'p') + '"'})
    EXPECT_EQ(path_of(R"({"type":"x","room":"r","requires":)" + permission + "}"), "requires");
}

TEST_F(NativeDecode, ReadsWhatIsSaidAboutARoomToBeMade) {
  const Command create =
      good(R"({"type":"create_room","room":"r","payload":{"max_members":9,"public":false,)"
           R"("metadata":{"topic":"x"}}})");
  EXPECT_EQ(create.max_members, 9u);
  EXPECT_EQ(create.is_public, false);
  EXPECT_EQ(create.metadata, R"({"topic":"x"})");
  const Command bare = good(R"({"type":"create_room","room":"r"})");
  EXPECT_FALSE(bare.max_members);
  EXPECT_FALSE(bare.is_public);
  EXPECT_EQ(bare.metadata, "");

  const auto path = [this](std::string_view payload) {
    return path_of(R"({"type":"create_room","room":"r","payload":)" + std::string(payload) + "}");
  };
  for (const std::string_view count : {"0", "-1", "1.5", "\"9\"", "4294967296"})
    EXPECT_EQ(path(R"({"max_members":)" + std::string(count) + "}"), "payload.max_members");
  EXPECT_EQ(path(R"({"public":"yes"})"), "payload.public");
  EXPECT_EQ(path(R"({"metadata":[]})"), "payload.metadata");
  EXPECT_EQ(path(R"({"metadata":{"t":")" + std::string(metadata_bytes_max, 'x') + "\"}}"),
            "payload.metadata");
}

TEST_F(NativeDecode, ReadsWhichRoomsAreToBeListed) {
  const Command list = good(R"({"type":"list_rooms","payload":{"prefix":"quote:","limit":20}})");
  EXPECT_EQ(list.prefix, "quote:");
  EXPECT_EQ(list.list_limit, 20u);
  EXPECT_EQ(good(R"({"type":"list_rooms"})").list_limit, 0u);
  for (const std::string_view limit : {"0", "1001", "\"5\"", "-1"})
    EXPECT_EQ(path_of(R"({"type":"list_rooms","payload":{"limit":)" + std::string(limit) + "}}"),
              "payload.limit");
  EXPECT_EQ(path_of(R"({"type":"list_rooms","payload":{"prefix":""}})"), "payload.prefix");
}

TEST_F(NativeDecode, ReadsWhatOthersMayKnowAboutAConnection) {
  for (const std::string type : {"connect", "join_room", "update_presence"}) {
    const auto with = [&](const std::string& info) {
      return R"({"room":"r","type":")" + type + R"(","payload":{"info":)" + info + "}}";
    };
    EXPECT_EQ(good(with(R"({"name":"Ann"})")).info, R"({"name":"Ann"})");
    const std::string fits = R"({"n":")" + std::string(info_bytes_max - 8, 'x') + "\"}";
    EXPECT_EQ(good(with(fits)).info.size(), info_bytes_max);
    EXPECT_EQ(path_of(with(fits.substr(0, 6) + "x" + fits.substr(6))), "payload.info");
    EXPECT_EQ(path_of(with("7")), "payload.info");
  }
  EXPECT_TRUE(good(R"({"type":"presence","room":"r","payload":{"counts":true}})").counts_only);
  EXPECT_FALSE(good(R"({"type":"presence","room":"r"})").counts_only);
  EXPECT_EQ(path_of(R"({"type":"presence","room":"r","payload":{"counts":1}})"), "payload.counts");
}

TEST_F(NativeDecode, ReadsUpToWhereAQueueHasArrived) {
  const Command command = good(R"({"type":"acknowledge","payload":{"sequence":41,"epoch":"b5"}})");
  ASSERT_TRUE(command.acknowledged);
  EXPECT_EQ(command.acknowledged->sequence, 41u);
  EXPECT_EQ(command.acknowledged->epoch, "b5");
}

TEST_F(NativeDecode, NeverMakesUpARequiredField) {
  EXPECT_EQ(path_of(R"({"type":"refresh_token"})"), "payload.token");
  EXPECT_EQ(path_of(R"({"type":"refresh_token","payload":{"token":""}})"), "payload.token");
  EXPECT_EQ(path_of(R"({"type":"history","room":"r"})"), "payload.limit");
  EXPECT_EQ(path_of(R"({"type":"query_request"})"), "message_id");
  EXPECT_EQ(path_of(R"({"type":"query_cancel","message_id":"m"})"), "correlation_id");
  EXPECT_EQ(path_of(R"({"type":"subscribe"})"), "payload.event_types");
  EXPECT_EQ(path_of(R"({"type":"message_batch"})"), "messages");
  EXPECT_EQ(path_of(R"({"type":"update_presence","room":"r"})"), "payload.info");
  EXPECT_EQ(path_of(R"({"type":"acknowledge"})"), "payload");
  EXPECT_EQ(path_of(R"({"type":"acknowledge","payload":{"sequence":1}})"), "payload");
}

TEST_F(NativeDecode, TakesEventTypesBesideTheTypeToo) {
  const Command command = good(R"({"type":"subscribe","event_types":["metrics_update","b"]})");
  ASSERT_EQ(command.event_types.size(), 2u);
  EXPECT_EQ(command.event_types[0], "metrics_update");
}

TEST_F(NativeDecode, UnpacksABatchInOrder) {
  const Command batch = good(
      "{\"type\":\"message_batch\",\"messages\":[ {\"type\":\"ping\",\n\"message_id\":\"1\"} , "
      "{\"type\":\"x\",\"room\":\"r\",\"payload\":{\"a\":\r\n1}}, 5 ]}");
  ASSERT_EQ(batch.messages.size(), 3u);
  JsonParser inner;
  const auto ping = decode_inner(batch.messages[0], inner);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->message_id, "1");
  const auto publish = decode_inner(batch.messages[1], inner);
  ASSERT_TRUE(publish);
  EXPECT_EQ(publish->payload, "{\"a\":  1}");
  const auto number = decode_inner(batch.messages[2], inner);
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, ErrorCode::invalid);
  EXPECT_EQ(good(R"({"type":"message_batch","payload":{"messages":[{}]}})").messages[0], "{}");
}

}  // namespace
}  // namespace ringroom::proto::dialect::native_json
