"""A server as a process, and plain requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pixart

SECONDS = 120
"""After this long, something that must happen has not happened."""
LONG = {"prompt": "a cat", "n": 10, "num_inference_steps": 100, "size": "512x512"}
"""A request that would run for many minutes."""
SHORT = {"prompt": "a cat", "seed": 1, "num_inference_steps": 2}


class Reply:
    """A reply that was read whole."""

    def __init__(self, reply: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = reply.status, reply.headers, reply.read()

    @property
    def json(self):
        return json.loads(self.body)


class RunningServer:
    """`python -m pixart.server` on a free port."""

    def __init__(self, *arguments: str, model: str | None, **environment: str) -> None:
        package = str(pathlib.Path(pixart.__file__).parents[1])
        command = [sys.executable, "-m", "pixart.server", *([model] if model else []), "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": package, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.line = self.process.stdout.readline()
        if " at http://" not in self.line:
            raise RuntimeError(self.line + self.process.communicate(timeout=SECONDS)[1])
        self.url = self.line.split()[-1]
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    def request(self, method, path, body=None, **headers):
        """Sends a request on a connection of its own, and reads the reply. A dict is sent as JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            return Reply(connection.getresponse())

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def post(self, path, body, **headers):
        return self.request("POST", path, body, **headers)

    def generate(self, **fields):
        return self.post("/v1/images/generations", {**SHORT, **fields})

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def send(self, fields, path="/v1/images/generations"):
        """Sends a request, and returns the socket. The reply is left to the caller."""
        body = json.dumps(fields).encode()
        connection = self.connect()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return connection

    def metric(self, name):
        """A figure of /metrics, by its name with its labels; 0 if it is not there yet."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def until_waiting(self, jobs):
        """Waits until the worker runs a job, and `jobs` others wait."""
        until(lambda: self.metric("pixart_running") == 1 and self.metric("pixart_queue_length") == jobs)

    def stop(self, number=signal.SIGTERM):
        """Ends the server and returns its exit status and what it wrote to stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        errors = self.process.communicate(timeout=SECONDS)[1]
        return self.process.returncode, errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def until(condition, seconds=SECONDS):
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)
