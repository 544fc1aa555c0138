"""The end of a server: nothing is lost that was promised, and nothing is left running."""

from __future__ import annotations

import os
import pathlib
import signal
import threading

import pytest
from running_server import LONG, RunningServer, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_an_idle_server(start_server, number):
    with start_server() as server:
        server.generate()
        group = os.getpgid(server.process.pid)
        assert server.stop(number) == (0, "")
        assert is_gone(server, group)


def test_running_and_waiting_jobs_finish(start_server):
    with start_server("--shutdown-seconds", "60") as server:
        replies = []
        fields = {"num_inference_steps": 50, "n": 2}
        threads = [threading.Thread(target=lambda: replies.append(server.generate(**fields))) for _ in range(2)]
        for thread in threads:
            thread.start()
        server.until_waiting(1)
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert [len(reply.json["data"]) for reply in replies] == [2, 2]
        assert server.ended() == (0, "")


def test_what_takes_too_long_is_refused(start_server):
    with start_server("--shutdown-seconds", "0.5") as server:
        replies = []
        threads = [
            threading.Thread(target=lambda: replies.append(server.post("/v1/images/generations", LONG)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        server.until_waiting(1)
        assert server.stop() == (0, "")
        for thread in threads:
            thread.join()
        assert [(reply.status, reply.json["error"]["code"]) for reply in replies] == [(503, "shutting_down")] * 2


def test_stream_ends_with_an_error(start_server):
    with start_server("--shutdown-seconds", "0.5") as server:
        with server.send({**LONG, "stream": True}) as connection:
            server.until_waiting(0)
            server.process.send_signal(signal.SIGTERM)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        assert b"event: error" in received and b"shutting_down" in received
        assert server.ended() == (0, "")


def test_no_connections_are_taken_while_jobs_finish(start_server):
    with start_server() as server, server.send(LONG) as connection:
        server.until_waiting(0)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: is_closed(server))
        connection.close()  # the last job ends, so the server does
        assert server.ended() == (0, "")


def test_second_signal_cancels(start_server):
    with start_server("--shutdown-seconds", "600") as server, server.send(LONG) as connection:
        server.until_waiting(0)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: is_closed(server))
        assert server.stop() == (0, "")
        assert connection.recv(12) == b"HTTP/1.1 503"


def test_slow_client_does_not_hold_the_server(start_server):
    with start_server("--shutdown-seconds", "0.5", "--head-seconds", "600") as server, server.connect() as connection:
        connection.sendall(b"GET / HT")
        until(lambda: server.get("/ready").status == 200)
        assert server.stop()[0] == 0


def test_model_that_cannot_be_opened(tmp_path, model):
    with pytest.raises(RuntimeError, match="nothing-here"):
        RunningServer(model=str(tmp_path / "nothing-here"))
    broken = tmp_path / "broken"
    broken.mkdir()
    for part in model.iterdir():
        (broken / part.name).symlink_to(part)
    (broken / "vae").unlink()
    server = RunningServer(model=str(broken))
    status, errors = server.ended()
    assert status == 1 and "vae" in errors and "Traceback" not in errors


def test_port_that_is_taken(start_server, model):
    with start_server() as server, pytest.raises(RuntimeError, match="Address already in use"):
        RunningServer("--port", str(server.port), model=str(model))


def is_closed(server):
    try:
        server.connect().close()
    except ConnectionRefusedError:
        return True
    return False


def is_gone(server, group):
    """Whether neither the process, nor a child of it, nor its port is left."""
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        assert parent != server.process.pid
    return is_closed(server) and not pathlib.Path(f"/proc/{server.process.pid}").exists() and group
