#include "realtime/http/api.h"

#include "proto/json_fault.h"
#include "realtime/shard.h"

namespace ringroom::realtime {

using proto::ErrorCode;
using proto::JsonValue;

Api::Api(Shard& shard) : shard_(shard), arguments_(shard.node) {}

void Api::refuse(Session& session, const Arguments::Fault& fault) {
  Exchanges::Problem problem = Exchanges::problem_of(ErrorCode::invalid, fault.sentence);
  problem.path = fault.path;
  shard_.exchanges.refuse(session, problem);
}

std::optional<JsonValue> Api::parse(Session& session, std::string_view text) {
  const auto body = parser_.parse_copy(text);
  if (!body) {
    const auto fault = proto::find_json_fault(text);
    std::string message(proto::sentence_of(body.error()));
    if (fault)
      message.append("; it breaks at byte ")
          .append(std::to_string(fault->offset))
          .append(", in `")
          .append(fault->path)
          .append("`");
    Exchanges::Problem problem = Exchanges::problem_of(ErrorCode::bad_request, message);
    problem.path = fault ? std::string_view(fault->path) : std::string_view("$");
    shard_.exchanges.refuse(session, problem);
    return std::nullopt;
  }
  if (!body->is_object()) {
    refuse(session, {.path = "$", .sentence = "`$`, the body, must be a JSON object"});
    return std::nullopt;
  }
  return *body;
}

void Api::call(Session& session, const Access& access, const proto::Request& request,
               const ApiCall& call, std::optional<std::string_view> in_path) {
  std::optional<Arguments::Fault> fault;
  if (call.takes_body()) {
    const auto body =
        parse(session, {reinterpret_cast<const char*>(request.body.data()), request.body.size()});
    if (!body) return;
    fault = arguments_.read(*body, call.fields, "$");
    if (!fault) fault = arguments_.read_workspace(request.query);
  } else {
    fault = arguments_.read(request.query, in_path, call.fields);
  }
  if (fault) return refuse(session, *fault);
  run(session, access, call);
}

void Api::run(Session& session, const Access& access, const ApiCall& call) {
  if (call.feature && is_off(session, *call.feature)) return;
  if (enter(session, access)) (this->*call.run)(session, arguments_);
}

bool Api::is_off(Session& session, Feature feature) {
  if (!shard_.config().off.has(feature)) return false;
  shard_.exchanges.refuse(session, ErrorCode::unavailable,
                          "its operator has switched this off (`off` in the configuration)");
  return true;
}

bool Api::enter(Session& session, const Access& access) {
  const auto said = arguments_.workspace();
  is_bound_ = access.key != nullptr && access.key->workspace;
  workspace_ = is_bound_ ? *access.key->workspace : OwnedWorkspace(said.value_or(Workspace()));
  if (!is_bound_ || !said || *said == Workspace(workspace_)) return true;
  shard_.counters.not_let_in(AuthRefusal::scope);
  shard_.exchanges.refuse(session, ErrorCode::forbidden,
                          "this key opens another workspace than `workspace` names; use a key of "
                          "that one");
  return false;
}

bool Api::is_for_all(Session& session) {
  if (!is_bound_) return true;
  shard_.counters.not_let_in(AuthRefusal::scope);
  shard_.exchanges.refuse(session, ErrorCode::forbidden,
                          "this is about the whole server, and the key is of one workspace");
  return false;
}

void Api::call(Session& session, const Access& access, const ApiCall& call, std::string_view fields,
               std::string_view where) {
  const auto object = parser_.parse_copy(fields);
  RR_CHECK(object && object->is_object());  // it was, inside its batch
  if (const auto fault = arguments_.read(*object, call.fields, where))
    return refuse(session, *fault);
  run(session, access, call);
}

Asker Api::asker_of(Session& session) {
  return {.to = shard_.connection_id(session), .exchange = shard_.exchanges.wait(session)};
}

Questions::About Api::about(Session& session, const Arguments& said) {
  return {.workspace = workspace_, .room = said.text("room"), .asker = asker_of(session)};
}

}  // namespace ringroom::realtime
