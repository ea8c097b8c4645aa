"""The receiver and the proxies in front of it: each on free ports of 127.0.0.1, stopped at the end of a `with`."""

import collections
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import webhooks

HERE = pathlib.Path(__file__).parent
DIRECTORY = (HERE / "../../target/early-answers").resolve()
PROXIES = {
    "Caddy": ("Caddyfile", ["caddy", "run", "--adapter", "caddyfile", "--config"]),
    "HAProxy": ("haproxy.cfg", ["haproxy", "-db", "-f"]),
    "nginx": ("nginx.conf", ["nginx", "-c"]),
}


class Process:
    def __init__(self, name, command, environment=None, stdout=None):
        self.log = DIRECTORY / f"{name}.err"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log, text=True, cwd=DIRECTORY,
                env={**os.environ, "HOME": str(DIRECTORY), **(environment or {})},
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_for(self, what, ready):
        """What `ready` returns, once it is true."""
        deadline = time.monotonic() + 60
        while not (found := ready()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{what}: see {self.log}")
            time.sleep(0.05)
        return found


class Receiver(Process):
    """`examples/receiver`, and which deliveries it has handled how often."""

    def __init__(self):
        secrets = {"LOOPS_TOKEN": webhooks.TOKEN, "LEARN365_SECRET": webhooks.SECRET}
        program = HERE / "../../target/debug/examples/receiver"
        super().__init__("receiver", [program.resolve(), "--listen", "127.0.0.1:0"], secrets, subprocess.PIPE)
        self.handled = collections.Counter()
        threading.Thread(target=self._read, daemon=True).start()
        listening = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
        self.port = int(self.wait_for("the receiver does not listen", lambda: listening.search(self.log.read_text()))[1])

    def _read(self):
        for line in self.process.stdout:
            self.handled[webhooks.uuid_of(line)] += 1

    def handled_once(self, uuids):
        """How many of these deliveries have been handled, and not twice. Waits for the receiver to print the last ones."""
        uuids, deadline = [*uuids], time.monotonic() + 20
        while any(uuid not in self.handled for uuid in uuids) and time.monotonic() < deadline:
            time.sleep(0.05)
        return sum(self.handled[uuid] == 1 for uuid in uuids)


class Proxy(Process):
    """A proxy in front of `receiver`; `ports` has a port for each way of the configuration."""

    def __init__(self, name, receiver):
        template, command = PROXIES[name]
        text = (HERE / template).read_text()
        self.ports = {way: _free_port() for way in ["HTTP1", "H2C", "ADVISED"] if f":@{way}@" in text}
        values = {**self.ports, "RECEIVER": receiver.port, "DIRECTORY": DIRECTORY}
        config = DIRECTORY / template
        config.write_text(re.sub(r"@([A-Z][A-Z0-9]*)@", lambda found: str(values[found[1]]), text))
        super().__init__(name, [*command, str(config)])
        for port in self.ports.values():
            self.wait_for(f"{name} does not listen", lambda: _listens(port))


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
