"""Tokens as a backend makes them, signed with HS256, and the options of a server that believes them."""

import base64
import hashlib
import hmac
import itertools
import json
import time

SECRET = "a-secret-of-tests-that-is-long-enough-0123456789"
OPTIONS = ("--insecure-dev=false", "--token-hmac-secret", SECRET, "--namespace",
           "default:history-count=100,presence=true")
ids = itertools.count(1)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user, rooms=None, permissions=(), lives_s=3600, secret=SECRET, **claims):
    """Of that user, with a `jti` of its own; further claims, or None to leave one out, as fields."""
    now = time.time()
    said = {"sub": user, "iat": int(now), "exp": now + lives_s, "jti": f"t{next(ids)}",
            "rooms": {"*": ["join", "publish", "presence", "history"]} if rooms is None else rooms,
            "permissions": list(permissions), **claims}
    said = {name: value for name, value in said.items() if value is not None}
    text = ".".join(base64url(json.dumps(part).encode())
                    for part in ({"alg": "HS256", "typ": "JWT"}, said))
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64url(signature)}"
