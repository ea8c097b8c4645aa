"""Floods the receiver through proxies, tries it with real clients, and prints what was lost."""

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import webhooks
from flood import DELIVERIES, SENDERS, flood
from servers import DIRECTORY, HERE, PROXIES, Proxy, Receiver
from webhooks import KIB

Row = collections.namedtuple("Row", "who what good of required")
# What attackers send each way. HTTP/2 has no `Connection: close`, so a proxy that speaks it must refuse what is too large.
WAYS = {
    "HTTP1": ("HTTP/1.1", webhooks.EARLY + webhooks.TOO_LARGE),
    "H2C": ("h2c", webhooks.EARLY),
    "ADVISED": ("as advised", webhooks.EARLY + webhooks.TOO_LARGE + webhooks.BESIDE),
}

TARGET = DIRECTORY.parent / "clients"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TARGET / "python"), "NODE_MODULES": str(TARGET / "node_modules/")}
PYTHON, NODE = [sys.executable, HERE / "clients.py"], ["node", HERE / "clients.mjs"]
CLIENTS = {
    "urllib": (PYTHON, "urllib"),
    "requests": (PYTHON, "requests"),
    "Node http": (NODE, "http"),
    "axios": (NODE, "axios"),
    "Node fetch": (NODE, "fetch"),
    "curl": (PYTHON, "curl"),
}
JSON = {"Content-Type": "application/json"}
TIMES = 30
# The unsigned bodies, and the answers to them.
SIZES = [(64 * KIB, 401), (900 * KIB, 401), (5 * KIB**2, 413)]


def proxies(receiver):
    for name in PROXIES:
        with Proxy(name, receiver) as proxy:
            for way, port in proxy.ports.items():
                called, forged = WAYS[way]
                yield through(receiver, f"{name}, {called}", port, forged)


def through(receiver, who, port, forged):
    delivered, attackers = flood(port, forged)
    print(f"{who}: genuine {dict(collections.Counter(delivered.values()))}, attackers {dict(attackers)}", flush=True)
    if attackers[401] < 10:
        raise SystemExit(f"{who}: hardly an attacker got through to the receiver, so the flood shows nothing")
    good = receiver.handled_once(uuid for uuid, status in delivered.items() if status == 200)
    return Row(who, "genuine delivered in a flood", good, SENDERS * DELIVERIES, True)


def clients(receiver):
    """Each client sends unsigned bodies, and a genuine delivery behind each, over the same connection where it keeps one."""
    for name in CLIENTS:
        for size, due in SIZES:
            forged, genuine = answered(receiver, name, size, due)
            what = f"unsigned, {size // KIB} KiB"
            # Of a body over the limit not all is read: a client that sends all of it before it reads misses the answer.
            yield Row(name, f"{what}: {due} seen", forged, TIMES, due != 413)
            yield Row(name, f"{what}: genuine behind it", genuine, TIMES, True)


def answered(receiver, name, size, due):
    """How many unsigned bodies of `size` were seen to be refused, and how many deliveries behind them arrived."""
    url = f"http://127.0.0.1:{receiver.port}"
    requests, uuids = [], []
    for _ in range(TIMES):
        uuid, path, headers, body = webhooks.genuine()
        uuids.append(uuid)
        requests.append({"url": url + webhooks.LEARN365, "headers": JSON, "size": size})
        requests.append({"url": url + path, "headers": {**JSON, **headers}, "body": body.decode()})
    program, argument = CLIENTS[name]
    statuses = json.loads(output([*program, argument], json.dumps(requests)))
    print(f"{name}, {size}: {dict(collections.Counter(statuses))}", flush=True)
    good = receiver.handled_once(uuid for uuid, status in zip(uuids, statuses[1::2]) if status == 200)
    return statuses[0::2].count(due), good


def output(command, stdin=None):
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, timeout=300, env=ENVIRONMENT).stdout


def h2load(receiver):
    file = DIRECTORY / "unsigned"
    file.write_bytes(b"x" * 300 * KIB)
    url = f"http://127.0.0.1:{receiver.port}{webhooks.LEARN365}"
    said = output(["timeout", "240", "h2load", "-c1", "-m10", "-n3000", "-d", str(file), url])
    refused = int(re.search(r"(\d+) 4xx", said)[1])
    yield Row("h2load", "unsigned, 300 KiB, on one connection: 401 seen", refused, 3000, True)


def table(rows):
    for row in rows:
        verdict = "" if row.good == row.of else "LOST" if row.required else "(not required)"
        print(f"{row.who:20} {row.what:46} {row.good:4} of {row.of:4} {verdict}")


def main():
    # So that a timeout, too, stops the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped before the end"))
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    with Receiver() as receiver:
        rows = [*proxies(receiver), *clients(receiver), *h2load(receiver)]
    table(rows)
    sys.exit(any(row.required and row.good < row.of for row in rows))


main()
