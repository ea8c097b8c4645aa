"""The requests: genuine ones of two senders, and those of attackers who have no key."""

import hashlib
import hmac
import itertools
import json
import secrets

TOKEN = secrets.token_hex(24)
SECRET = secrets.token_hex(24)
LOOPS = "/webhooks/loops/"
LEARN365 = "/webhooks/learn365"
KIB = 1024

_serial = itertools.count()


def genuine():
    """A delivery of Loops or of Learn365, in turn: its uuid, path, headers and body."""
    serial = next(_serial)
    uuid = f"{secrets.token_hex(8)}-{serial}"
    if serial % 2:
        event = {"Action": "CourseCompleted", "uuid": uuid}
        body = json.dumps({"Id": uuid, "Attempt": 1, "Properties": {}, "Notifications": [event]}).encode()
        tag = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return uuid, LEARN365, {"ms-signature": f"sha256={tag}"}, body
    body = json.dumps([{"type": "SESSION_STARTED", "data": {"uuid": uuid}}]).encode()
    return uuid, LOOPS + TOKEN, {}, body


def uuid_of(line):
    """Which genuine delivery a line of the receiver's standard output is about."""
    event = json.loads(line)["event"]
    return event.get("uuid") or event["data"]["uuid"]


# What attackers send: method, path, length of the body, whether it is sent in chunks. The receiver answers 401, 404 or 405.
EARLY = [
    ("POST", LEARN365, 64 * KIB, False),
    ("POST", LEARN365, 900 * KIB, False),
    ("POST", LEARN365, 900 * KIB, True),
    ("POST", LOOPS + "0" * 48, 300 * KIB, False),
    ("POST", LOOPS + "0" * 48, 900 * KIB, False),
    ("PUT", LEARN365, 900 * KIB, False),
]
# More than is read and dropped. The answer ends the connection, and says so.
TOO_LARGE = [("POST", LEARN365, 1500 * KIB, False), ("POST", LEARN365, 1500 * KIB, True)]
# What the server answers without the layer. A proxy must refuse it.
BESIDE = [("POST", "/elsewhere", 900 * KIB, False), ("CONNECT", "127.0.0.1:80", 64 * KIB, False)]


def framed(method, path, headers, body, chunked=False):
    """Head and body of the request as they are sent."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", framing]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return "\r\n".join([*lines, "", ""]).encode(), body
