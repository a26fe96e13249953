"""api/openapi.yaml as a test reads it: operations, what each takes and answers, and values past their limits."""

import http.client
import json
import pathlib
import urllib.parse

import jsonschema
import yaml
from daemon import DEADLINE_S

FILE = pathlib.Path(__file__).resolve().parents[2] / "api" / "openapi.yaml"
METHODS = ("get", "post", "put", "delete", "patch")
MANY = 1 << 17  # a limit beyond it is not tried by building such a value


class Document:
    def __init__(self):
        with open(FILE, encoding="utf-8") as file:
            self.all = yaml.safe_load(file)
        self.operations = {}
        for path, item in self.all["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method], method=method.upper(), path=path)
                    operation["parameters"] = [
                        self.resolved(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
                    self.operations[operation["operationId"]] = operation

    def resolved(self, value):
        """The value, with the one it refers to under what it says itself."""
        if "$ref" not in value:
            return value
        target = self.all
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return {**self.resolved(target), **{k: v for k, v in value.items() if k != "$ref"}}

    def body_schema(self, operation):
        body = operation.get("requestBody")
        return self.resolved(body["content"]["application/json"]["schema"]) if body else None

    def example(self, operation):
        return operation["requestBody"]["content"]["application/json"]["example"]

    def check(self, schema, value):
        whole = {**schema, "components": self.all["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        is_json = headers.get("Content-Type", "").startswith("application/json")
        self.body = json.loads(text) if is_json else text

    @property
    def error(self):
        return self.body["error"]


class Caller:
    """Makes calls by operationId, holds each answer against the document, and notes what was answered."""

    def __init__(self, document):
        self.document = document
        self.seen = {}  # operationId: statuses

    def call(self, port, operation_id, body=None, path=None, query=None, key=None, headers=None, raw=None):
        operation = self.document.operations[operation_id]
        target = operation["path"]
        for name, value in (path or {}).items():
            target = target.replace("{" + name + "}", value)
        if query:
            target += "?" + urllib.parse.urlencode(query)
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            connection.request(operation["method"], target, data, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()
        self.judge(operation_id, answer, (target, body))
        return answer

    def judge(self, operation_id, answer, asked):
        operation = self.document.operations[operation_id]
        documented = operation["responses"].get(str(answer.status))
        assert documented is not None, f"{operation_id} answered {answer.status}: {answer.text} to {asked}"
        self.seen.setdefault(operation_id, set()).add(str(answer.status))
        documented = self.document.resolved(documented)
        content = documented.get("content", {})
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        if content:
            assert kind in content, f"{operation_id} answered {kind}"
            if kind == "application/json":
                self.document.check(content[kind]["schema"], answer.body)
        assert answer.headers["X-Request-Id"], f"{operation_id} has no request id"
        if answer.status >= 400 and kind == "application/json" and "error" in answer.body:
            assert answer.error["request_id"] == answer.headers["X-Request-Id"], answer.text

    def missing(self):
        """Documented answers that nobody has seen."""
        return sorted(
            (name, status) for name, operation in self.document.operations.items()
            for status in operation["responses"] if status not in self.seen.get(name, ()))


def wrong_kinds(schema):
    """Values of another type than the schema's."""
    if "enum" in schema or "const" in schema:
        return [1, "nothing of these", None]
    kind = schema["type"]
    others = {"string": "text", "integer": 7, "number": 7.5, "boolean": True, "object": {}, "array": []}
    fits = {"integer": ("integer",), "number": ("number", "integer")}.get(kind, (kind,))
    return [None] + [value for name, value in others.items() if name not in fits]


def at_limits(schema):
    """Pairs of a value at a limit and the nearest beyond it, for every limit that the schema has."""
    if schema.get("maxLength"):
        n = schema["maxLength"]
        yield "x" * n, "x" * (n + 1)
    if schema.get("minLength"):
        n = schema["minLength"]
        yield "x" * n, "x" * (n - 1)
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in schema and schema["type"] in ("integer", "number"):
            n = int(schema[bound])
            yield n, n + step
    if schema.get("maxItems", MANY) < MANY:
        item = "0" * 20 if "pattern" in schema["items"] else "x"
        yield [item] * schema["maxItems"], [item] * (schema["maxItems"] + 1)
    if "x-max-bytes" in schema:
        n = schema["x-max-bytes"] - len('{"x": ""}')
        yield {"x": "y" * n}, {"x": "y" * (n + 1)}
