"""`clients.py urllib|requests|curl`: reads requests from standard input, sends one after the other, and prints the statuses of
the answers, 0 for none. `clients.mjs` does the same with Node's clients."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

PATIENCE = 10


def through_urllib(requests):
    for url, headers, body in requests:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=PATIENCE) as answer:
                yield answer.status
        except urllib.error.HTTPError as answer:
            yield answer.code
        except OSError:
            yield 0


def through_requests(requests):
    from requests import Session

    session = Session()
    for url, headers, body in requests:
        try:
            yield session.post(url, body, headers=headers, timeout=PATIENCE).status_code
        except OSError:
            yield 0


def through_curl(requests):
    """In one process, which keeps its connection."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["curl"]
        for serial, (url, headers, body) in enumerate(requests):
            file = os.path.join(directory, str(serial))
            with open(file, "wb") as out:
                out.write(body)
            command += ["--next", "--silent", "--max-time", str(PATIENCE), "--output", os.devnull]
            for name, value in headers.items():
                command += ["--header", f"{name}: {value}"]
            command += ["--write-out", "%{http_code}\n", "--data-binary", f"@{file}", url]
        return [int(status) for status in subprocess.run(command, stdout=subprocess.PIPE).stdout.split()]


def main():
    requests = [(each["url"], each["headers"], body(each)) for each in json.load(sys.stdin)]
    print(json.dumps([*globals()[f"through_{sys.argv[1]}"](requests)]))


def body(request):
    return b"x" * request["size"] if "size" in request else request["body"].encode()


main()
