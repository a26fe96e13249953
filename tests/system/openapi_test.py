"""The server and api/openapi.yaml say the same: routes, answers, errors and limits."""

import asyncio
import os
import signal
import socket
import tempfile
import threading
import time
import unittest

import websockets
import wire
from daemon import DEADLINE_S, Daemon, run
from native_client import Client
from openapi import Answer, Caller, Document, at_limits, wrong_kinds

KEY = "the-key-of-a-backend-0123456789abcdef"
READER = "the-key-of-who-looks-112358132134"
WRITER = "the-key-of-who-writes-a1b2c3d4e5f6"
TENANT = "the-key-of-one-workspace-27182818284"
ADMIN = "the-key-of-the-operator-fedcba98765"
DEEP_ROOM = {"room": "lobby"}
NEEDS_NO_KEY = {"health", "ready", "metrics", "websocket", "echo", "raw"}


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = Document()
        cls.folder = tempfile.TemporaryDirectory()
        for name, key in (("reader", READER), ("writer", WRITER), ("tenant", TENANT)):
            with open(os.path.join(cls.folder.name, name), "w", encoding="ascii") as file:
                file.write(key + "\n")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def serve(self, *options, cores="2", dev=True):
        keys = ("--api-key", KEY, "--access-key", f"reader:read:{self.folder.name}/reader",
                "--access-key", f"writer:publish:{self.folder.name}/writer", "--access-key",
                f"tenant@acme:publish+read+rooms+sessions:{self.folder.name}/tenant")
        daemon = Daemon("--cores", cores, *keys, *options, dev=dev).start()
        self.addCleanup(daemon.stop)
        return daemon

    def main_server(self):
        return self.serve(
            "--admin", "--admin-listen", "127.0.0.1:0", "--admin-key", ADMIN, "--echo",
            "--namespace", "default:presence=true,history-count=100,state-keys=2", "--namespace",
            "bare:history-count=0,presence=false,state-keys=0", "--namespace", "fixed:auto-create=false",
            "--namespace", "user:offline-count=10",
            # Of a day that is not today, so that what names them waits.
            "--quiet-hours", "night:from=00:00,to=00:01,days=" + self.another_day())

    @staticmethod
    def another_day():
        return ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(time.gmtime().tm_wday + 3) % 7]

    def test_every_route_is_in_the_file_and_no_other(self):
        lines = [line.split() for line in run("routes").stdout.splitlines()]
        self.assertGreater(len(lines), 20)
        served = {}
        for line in lines:  # /ws is for clients, and another one on the admin listener
            served.setdefault((line[0], line[1]), line[3] if len(line) > 3 else None)
        written = {(o["method"], o["path"]): o.get("x-scope") for o in self.document.operations.values()}
        self.assertEqual(served, written)

    def test_commands_of_a_batch_are_operations(self):
        schema = self.document.body_schema(self.document.operations["batch"])
        for name in schema["properties"]["commands"]["items"]["propertyNames"]["enum"]:
            self.assertIn(name, self.document.operations)

    # Every documented answer.

    def test_every_documented_answer_is_given(self):
        caller = Caller(self.document)
        for make in (self.successes, self.refusals_for_what_is_said, self.refusals_for_who_asks,
                     self.refusals_at_limits_of_the_server, self.not_ready, self.handshakes):
            with self.subTest(make.__name__):
                make(caller)
        # A core has to stand still for it: tests/system/health_test.py.
        self.assertEqual([one for one in caller.missing() if one != ("system_health", "503")], [])

    def successes(self, caller):
        daemon = self.main_server()
        port = daemon.port

        def ok(operation, status=200, **asked):
            answer = caller.call(port, operation, key=KEY, **asked)
            self.assertEqual(answer.status, status, answer.text)
            return answer.body

        async def with_clients():
            async with websockets.connect(f"{daemon.ws}/ws?user=ann") as one, \
                    websockets.connect(f"{daemon.ws}/ws?user=bo") as two:
                ann, bo = Client(one), Client(two)
                for client in (ann, bo):
                    client.ack = await client.next("connection_ack")
                await ann.join("lobby")
                await bo.join("lobby", info={"color": "red"})
                await asyncio.to_thread(talk, ann.ack["payload"]["connection_id"])

        def talk(connection):
            for operation in ("publish", "publish_to_users", "broadcast", "batch"):
                ok(operation, body=caller.document.example(caller.document.operations[operation]))
            ok("publish", status=202, body={**DEEP_ROOM, "type": "x", "payload": {}, "quiet_hours": "night"})
            ok("publish", body={**DEEP_ROOM, "type": "x", "payload": {}, "message_id": "one", "key": "k"})
            again = ok("publish", body={**DEEP_ROOM, "type": "x", "payload": {}, "message_id": "one", "key": "k"})
            self.assertTrue(again["duplicate"])
            ok("broadcast", body={"type": "x", "payload": {}, "connections": [connection]})
            ok("create_room", status=201, body=caller.document.example(caller.document.operations["create_room"]))
            for operation in ("describe_room", "presence", "presence_stats", "history"):
                ok(operation, path=DEEP_ROOM)
            self.assertEqual(ok("presence_stats", path=DEEP_ROOM), {"count": 2, "connections": 2})
            self.assertGreater(ok("clear_history", path=DEEP_ROOM)["cleared"], 0)
            ok("delete_room", path={"room": "den"})
            ok("list_rooms", query={"prefix": "lob", "limit": 1})
            ok("join", body={"user": "ann", "room": "other"})
            ok("leave", body={"user": "ann", "room": "other"})
            shown = ok("list_connections", query={"user": "ann"})
            self.assertEqual([c["connection_id"] for c in shown["connections"]], [connection])
            users = ok("list_users", query={"prefix": "a"})["users"]
            self.assertEqual(users, [{"user": "ann", "connections": 1, "rooms": shown["connections"][0]["rooms"]}])
            self.assertEqual(ok("list_users", query={"after": "ann", "limit": 1})["users"][0]["user"], "bo")
            workspaces = ok("list_workspaces")["workspaces"]
            self.assertEqual(workspaces, [{"workspace": "acme", "connections": 0},  # the tenant's key
                                          {"workspace": "default", "connections": 2}])
            self.assertEqual(ok("list_workspaces", query={"after": "acme", "limit": 1})["workspaces"], workspaces[1:])
            ok("metrics_json"), ok("info"), ok("system_health"), ok("health"), ok("ready"), ok("metrics")
            for operation in ("block", "unblock", "grants"):
                ok(operation, body=caller.document.example(caller.document.operations[operation]))
            ok("revoke", body={"user": "bo"})
            ok("disconnect", body={"user": "ann", "code": 4403, "reason": "signed out"})
            for operation, query in (("admin_config", None), ("admin_trace", {"room": "lobby"})):
                answer = caller.call(daemon.admin_port, operation, query=query, key=ADMIN)
                self.assertEqual(answer.status, 200)
            self.assertEqual(caller.call(daemon.admin_port, "admin_trace", key=ADMIN).status, 400)

        asyncio.run(with_clients())

        ended = Daemon("--admin", "--admin-listen", "127.0.0.1:0", "--admin-key", ADMIN).start()
        self.addCleanup(ended.kill)
        self.assertEqual(caller.call(ended.admin_port, "drain", key=ADMIN).status, 202)
        self.assertEqual(ended.process.wait(DEADLINE_S), 0)

    def refusals_for_what_is_said(self, caller):
        daemon = self.main_server()
        port = daemon.port

        def refused(operation, status, wrong=None, **asked):
            answer = caller.call(port, operation, key=KEY, **asked)
            self.assertEqual(answer.status, status, answer.text)
            if wrong is not None:
                self.assertEqual(answer.error.get("path"), wrong, answer.text)

        for name, operation in self.document.operations.items():
            where = DEEP_ROOM if "{room}" in operation["path"] else None
            if "requestBody" in operation:
                refused(name, 400, "$.payload.user", raw=b'{"room":"lobby","payload":{"user":tru}}')
                refused(name, 400, "$", raw=b"")
                refused(name, 422, "$", raw=b"[]")
                refused(name, 422, "$.colour", body={"colour": 1})
                refused(name, 413, headers={"Content-Length": str((1 << 20) + 1)})
            elif "422" in operation["responses"]:
                refused(name, 422, "?colour", path=where, query={"colour": 1})
        for name in ("describe_room", "delete_room", "presence", "presence_stats", "history", "clear_history"):
            self.assertEqual(caller.call(port, name, path={"room": "nowhere"}, key=KEY).status, 404)
            self.assertEqual(caller.call(port, name, path={"room": "%zz"}, key=KEY).status, 400)
            bad = caller.call(port, name, path={"room": "%00"}, key=KEY)
            self.assertEqual((bad.status, bad.error["path"]), (422, "{room}"))
        message = {"type": "x", "payload": {}}
        for room, fields, status in (
                ("fixed:x", {}, 404), ("lobby", {"expected_version": 9}, 409), ("bare:x", {"key": "k"}, 422)):
            refused("publish", status, body={"room": room, **message, **fields})
        for key in ("a", "b"):
            self.assertEqual(caller.call(port, "publish", {"room": "full", "key": key, **message}, key=KEY).status, 200)
        refused("publish", 413, body={"room": "full", "key": "c", **message})
        refused("create_room", 409, body={"room": "full"})
        refused("history", 410, path={"room": "full"}, query={"epoch": "00000000", "sequence": 1})
        caller.call(port, "publish", {"room": "bare:x", **message}, key=KEY)
        for operation in ("history", "clear_history"):
            refused(operation, 503, path={"room": "bare:x"})
        refused("presence", 422, path={"room": "bare:x"})
        off = self.serve("--off", "presence,batches")
        for operation, asked in (("presence", {"path": {"room": "x"}}), ("presence_stats", {"path": {"room": "x"}}),
                                 ("batch", {"body": {"commands": []}})):
            self.assertEqual(caller.call(off.port, operation, key=KEY, **asked).status, 503, operation)
        with_namespaces = self.serve("--namespace", "known:history-count=1", dev=False)
        refused("grants", 404, body={"connection": "0" * 20, "permissions": {"allow": ["x"]}})
        answer = caller.call(with_namespaces.port, "create_room", {"room": "unknown:x"}, key=KEY)
        self.assertEqual(answer.status, 404)

    def refusals_for_who_asks(self, caller):
        daemon = self.main_server()
        limited = self.serve("--limit", "api/key=1/10min")
        self.assertEqual(caller.call(limited.port, "info", key=KEY).status, 200)
        for name, operation in self.document.operations.items():
            if name in NEEDS_NO_KEY:
                continue
            port = daemon.admin_port if operation["path"].startswith("/admin") else daemon.port
            body = caller.document.example(operation) if "requestBody" in operation else None
            path = DEEP_ROOM if "{room}" in operation["path"] else None
            for key in (None, "no key of ours"):
                answer = caller.call(port, name, body, path, key=key)
                self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, "Bearer"))
            if "x-scope" in operation:
                key = READER if operation["x-scope"] != "read" else WRITER
                answer = caller.call(port, name, body, path, key=key)
                self.assertEqual(answer.status, 403, name)
                self.assertIn(f"`{operation['x-scope']}`", answer.error["message"])
            if "429" in operation["responses"]:
                answer = caller.call(limited.port, name, body, path, key=KEY)
                self.assertEqual(answer.status, 429, name)
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), answer.error["retry_after"])

    def refusals_at_limits_of_the_server(self, caller):
        message = {"type": "x", "payload": {}}
        few = self.serve("--rooms-max", "1", "--revocations-max", "1", cores="1")
        self.assertEqual(caller.call(few.port, "publish", {"room": "a", **message}, key=KEY).status, 200)
        for operation, body in (("publish", {"room": "b", **message}), ("create_room", {"room": "b"})):
            self.assertEqual(caller.call(few.port, operation, body, key=KEY).status, 503)
        self.assertEqual(caller.call(few.port, "revoke", {"user": "a"}, key=KEY).status, 200)
        self.assertEqual(caller.call(few.port, "revoke", {"user": "b"}, key=KEY).status, 503)
        self.assertEqual(caller.call(few.port, "block", {"user": "a"}, key=KEY).status, 200)
        for operation, body in (("block", {"user": "b"}), ("grants", {"user": "b", "permissions": {"allow": ["x"]}})):
            self.assertEqual(caller.call(few.port, operation, body, key=KEY).status, 503)
        wide = self.serve("--queue-bytes-max", "256KiB", cores="1")
        for n in range(40):
            room = {"room": f"wide-{n}", "metadata": {"x": "y" * 4000}}
            self.assertEqual(caller.call(wide.port, "create_room", room, key=KEY).status, 201)
        self.assertEqual(caller.call(wide.port, "list_rooms", key=KEY).status, 413)
        self.assertEqual(caller.call(wide.port, "list_rooms", query={"limit": 10}, key=KEY).status, 200)
        # As many broadcasts as may be under way.
        many = self.serve(cores="1")
        for begin in range(0, 10_000, 1000):
            commands = [{"publish": {"room": f"r{n}", **message}} for n in range(begin, begin + 1000)]
            caller.call(many.port, "batch", {"commands": commands}, key=KEY)
        for operation, body in (("broadcast", {"rooms": ["r*"], **message}),):
            self.assertIn(503, self.at_once(caller, many.port, operation, body))
        # What is for users goes to no room here: they wait for no place.
        personal = self.serve("--namespace", "default", "--namespace", "user:offline-count=5", cores="1")
        for begin in range(0, 10_000, 1000):
            commands = [{"publish": {"room": f"r{n}", **message}} for n in range(begin, begin + 1000)]
            caller.call(personal.port, "batch", {"commands": commands}, key=KEY)
        for _ in range(20):  # whether one comes while they are under way is the scheduler's
            self.at_once(caller, personal.port, "broadcast", {"rooms": ["r*"], **message},
                         ("publish_to_users", {"users": ["ann"], **message}))
            if "503" in caller.seen["publish_to_users"]:
                break

    @staticmethod
    def at_once(caller, port, operation, body, behind=None):
        """Statuses of 64 of them on as many connections, and of some others behind them."""
        statuses = []

        def one(name, said):
            statuses.append(caller.call(port, name, said, key=KEY).status)

        threads = [threading.Thread(target=one, args=(operation, body)) for _ in range(64)]
        if behind:
            threads += [threading.Thread(target=one, args=behind) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        return statuses

    def not_ready(self, caller):
        daemon = Daemon("--drain-ms", "20s").start()
        self.addCleanup(daemon.kill)
        held = daemon.connect()
        self.addCleanup(held.close)
        held.sendall(wire.handshake("/ws?user=ann"))
        wire.read_head(held)
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE_S) as http:
            http.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            wire.read_head(http)
            daemon.process.send_signal(signal.SIGTERM)
            while b'"reconnect"' not in held.recv(65536):
                pass
            http.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = wire.read_until_closed(http).decode()
        head, _, body = answer.partition("\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        caller.judge("ready", Answer(int(head.split()[1]), headers, body), "GET /ready")

    def handshakes(self, caller):
        daemon, strict = self.main_server(), Daemon("--api-key", KEY, dev=False).start()
        self.addCleanup(strict.stop)
        self.assertEqual(caller.call(daemon.port, "websocket").status, 426)
        self.assertEqual(caller.call(daemon.port, "websocket", query={"dialect": "x"}).status, 400)
        self.assertEqual(caller.call(strict.port, "echo").status, 404)
        self.assertEqual(caller.call(daemon.port, "raw").status, 400)
        self.assertEqual(caller.call(strict.port, "raw").status, 403)
        for operation, path in (("websocket", "/ws"), ("echo", "/echo"), ("raw", "/raw/room")):
            with daemon.connect() as sock:
                sock.sendall(wire.handshake(path))
                self.assertIn(b" 101 ", wire.read_head(sock)[0])
                caller.seen.setdefault(operation, set()).add("101")

    # Every limit and every type, by the schemas themselves.

    def test_every_field_has_its_type_and_its_limits(self):
        daemon = self.main_server()
        caller = Caller(self.document)
        tried = 0
        for name, operation in self.document.operations.items():
            schema = self.document.body_schema(operation)
            if schema is None:
                continue
            example = self.document.example(operation)
            for field in schema.get("required", []):
                body = {k: v for k, v in example.items() if k != field}
                answer = caller.call(daemon.port, name, body, key=KEY)
                self.assertEqual((answer.status, answer.error["path"]), (422, f"$.{field}"), answer.text)
            for field, said in schema["properties"].items():
                said = self.document.resolved(said)
                if "items" in said:
                    said = {**said, "items": self.document.resolved(said["items"])}
                wrong = wrong_kinds(said)
                if "pattern" in said:
                    wrong.append("Not such a text!")
                for value in wrong:
                    answer = caller.call(daemon.port, name, {**example, field: value}, key=KEY)
                    self.assertEqual((answer.status, answer.error["path"]), (422, f"$.{field}"), answer.text)
                for good, bad in at_limits(said):
                    tried += 1
                    answer = caller.call(daemon.port, name, {**example, field: bad}, key=KEY)
                    self.assertEqual((answer.status, answer.error["path"]), (422, f"$.{field}"), answer.text)
                    answer = caller.call(daemon.port, name, {**example, field: good}, key=KEY)
                    self.assertNotIn(f"`$.{field}` must be", answer.text)
                if said.get("type") == "array" and name != "batch":
                    for item in (1, None, ["x"], ""):
                        asked = {**example, field: ["0" * 20, item]}
                        answer = caller.call(daemon.port, name, asked, key=KEY)
                        self.assertEqual((answer.status, answer.error["path"]), (422, f"$.{field}[1]"))
        self.assertGreater(tried, 20)

    def test_every_parameter_has_its_type_and_its_limits(self):
        daemon = self.main_server()
        caller = Caller(self.document)
        caller.call(daemon.port, "publish", {**DEEP_ROOM, "type": "x", "payload": {}}, key=KEY)
        tried = 0
        for name, operation in self.document.operations.items():
            if operation["path"].startswith("/admin"):
                continue  # of the admin listener: read by hand there, and tested in trace_test.py
            where = DEEP_ROOM if "{room}" in operation["path"] else None
            for parameter in operation["parameters"]:
                if parameter["in"] != "query":
                    continue
                schema, field = self.document.resolved(parameter["schema"]), parameter["name"]
                wrong = {"integer": ["x", "", "1.5", "-1", "99999999999999999999"],
                         "boolean": ["x", ""], "string": []}[schema["type"]]
                if "pattern" in schema:
                    wrong += ["Not such a text!", "0" * 13]
                for value in wrong:
                    answer = caller.call(daemon.port, name, path=where, query={field: value}, key=KEY)
                    self.assertEqual((answer.status, answer.error["path"]), (422, f"?{field}"), answer.text)
                for good, bad in at_limits(schema):
                    if bad == -1:
                        continue  # tried above
                    tried += 1
                    answer = caller.call(daemon.port, name, path=where, query={field: bad}, key=KEY)
                    self.assertEqual((answer.status, answer.error["path"]), (422, f"?{field}"), answer.text)
                    answer = caller.call(daemon.port, name, path=where, query={field: good}, key=KEY)
                    if "format" not in schema:  # then length alone does not make it good
                        self.assertNotIn(f"`?{field}` must be a", answer.text)
                twice = caller.call(daemon.port, name, path=where, query=[(field, "1"), (field, "1")], key=KEY)
                self.assertEqual((twice.status, twice.error["path"]), (422, f"?{field}"))
        self.assertGreater(tried, 10)

    def test_limits_that_no_schema_can_say(self):
        daemon = self.main_server()
        caller = Caller(self.document)
        message = {"type": "x", "payload": {}}
        for operation, body, path in (
                ("publish", {"room": "a:*", **message}, "$.room"),
                ("publish", {"room": "a", **message, "remove": True}, "$.remove"),
                ("publish", {"room": "a", **message, "quiet_hours": "never"}, "$.quiet_hours"),
                ("broadcast", {"rooms": ["a*b*c*d*e*"], **message}, "$.rooms"),
                ("broadcast", {"rooms": [f"{n}*" for n in range(17)], **message}, "$.rooms"),
                ("broadcast", {"quiet_hours": "night", **message}, "$.quiet_hours"),
                ("join", {"user": "ann", "room": "user:bo"}, "$.room"),
                ("join", {"user": "ann", "room": "a*"}, "$.room"),
                ("disconnect", {}, "$.user"),
                ("disconnect", {"user": "ann", "connection": "0" * 20}, "$.user"),
                ("disconnect", {"user": "ann", "code": 1006}, "$.code"),
                ("revoke", {}, "$.jti"),
                ("revoke", {"jti": "a", "user": "b"}, "$.user"),
                ("revoke", {"user": "a", "expires": 1}, "$.expires"),
                ("batch", {"commands": [{}]}, "$.commands[0]"),
                ("batch", {"commands": [{"publish": {}}, {"dance": {}}]}, "$.commands[1].dance"),
                ("batch", {"commands": [{"publish": []}]}, "$.commands[0].publish")):
            answer = caller.call(daemon.port, operation, body, key=KEY)
            self.assertEqual((answer.status, answer.error["path"]), (422, path), answer.text)
        for query, path in (({"cursor": "ffff00000000"}, "?cursor"), ({"address": "10.0.0.1/8"}, "?address")):
            answer = caller.call(daemon.port, "list_connections", query=query, key=KEY)
            self.assertEqual((answer.status, answer.error["path"]), (422, path))
        answer = caller.call(daemon.port, "history", path=DEEP_ROOM, query={"sequence": 1}, key=KEY)
        self.assertEqual((answer.status, answer.error["path"]), (422, "?epoch"))

    def test_a_key_of_one_workspace_opens_nothing_else(self):
        daemon = self.main_server()
        caller = Caller(self.document)
        message = {"type": "x", "payload": {}}
        for name, operation in self.document.operations.items():
            parameters = [parameter["name"] for parameter in operation["parameters"]]
            takes_one = "requestBody" in operation or "workspace" in parameters
            if name == "batch" or operation["path"].startswith("/admin") or not takes_one:
                continue
            body = self.document.example(operation) if "requestBody" in operation else None
            path = DEEP_ROOM if "{room}" in operation["path"] else None
            for other in ("default", "other"):
                in_body = body and {**body, "workspace": other}
                in_query = None if body else {"workspace": other}
                answer = caller.call(daemon.port, name, in_body, path, in_query, key=TENANT)
                self.assertEqual(answer.status, 403, name)
                if body:
                    answer = caller.call(daemon.port, name, body, path, {"workspace": other}, key=TENANT)
                    self.assertEqual(answer.status, 403, name)
        for name in ("info", "metrics_json"):
            self.assertEqual(caller.call(daemon.port, name, key=TENANT).status, 403)
        told = caller.call(daemon.port, "list_workspaces", key=TENANT).body
        self.assertEqual(told, {"workspaces": [{"workspace": "acme", "connections": 0}]})
        commands = [{"publish": {"room": "a", "workspace": "other", **message}}, {"publish": {"room": "a", **message}}]
        replies = caller.call(daemon.port, "batch", {"commands": commands}, key=TENANT).body["replies"]
        self.assertEqual([reply["status"] for reply in replies], [403, 200])
        self.assertEqual(caller.call(daemon.port, "describe_room", path={"room": "a"}, key=KEY).status, 404)
        for asked in ({"workspace": "acme"}, None):
            answer = caller.call(daemon.port, "describe_room", path={"room": "a"}, query=asked, key=TENANT)
            self.assertEqual((answer.status, answer.body["sequence"]), (200, 1))
        answer = caller.call(daemon.port, "publish", {"room": "a", "workspace": "b", **message}, query={"workspace": "c"},
                             key=KEY)
        self.assertEqual((answer.status, answer.error["path"]), (422, "$.workspace"))

    def test_a_request_has_its_own_name_or_ours(self):
        daemon = self.main_server()
        caller = Caller(self.document)
        for mine, is_taken in (("abc-123", True), ("x" * 128, True), ("x" * 129, False), ("a b", False)):
            answer = caller.call(daemon.port, "info", key=KEY, headers={"X-Request-Id": mine})
            self.assertEqual(answer.headers["X-Request-Id"] == mine, is_taken, mine)
        answer = caller.call(daemon.port, "describe_room", path={"room": "nowhere"}, key=KEY,
                             headers={"X-Request-Id": "mine"})
        self.assertEqual(answer.error["request_id"], "mine")


if __name__ == "__main__":
    unittest.main(verbosity=2)
