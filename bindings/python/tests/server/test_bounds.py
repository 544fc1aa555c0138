"""What is too large, too slow or too much."""

from __future__ import annotations

import base64
import io
import os
import pathlib
import re
import subprocess

import openai
import PIL.Image
import pytest
from running_server import SECONDS, SHORT, until

MEBIBYTE = 1 << 20
GENERATIONS = "/v1/images/generations"


def peak_memory(server):
    """The largest memory that a server had, in bytes."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def answer(connection):
    """What a server sends until it closes the connection."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received.decode()


def ended(connection):
    """Waits until the server closes a connection on which it sends nothing."""
    try:
        return connection.recv(1000) == b""
    except ConnectionResetError:
        return True


def is_refused(connection, data):
    """Whether the server has ended a connection. Sends some more if it has not."""
    try:
        connection.sendall(data)
        return False
    except TimeoutError:
        return False
    except OSError:
        return True


def test_body_of_100_mb_is_refused_by_its_length(start_server):
    with start_server() as server:
        server.generate()
        before = peak_memory(server)
        with server.connect() as connection:
            head = f"POST {GENERATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: 100000000\r\n\r\n".encode())
            assert answer(connection).startswith("HTTP/1.1 413 ")  # nothing of the body was sent
        image = os.urandom(100_000_000)
        with openai.OpenAI(base_url=f"{server.url}v1", api_key="unused", max_retries=0) as client:
            with pytest.raises(openai.APIStatusError) as raised:
                client.images.edit(image=image, prompt="a cat")
        assert raised.value.status_code == 413 and raised.value.code == "body_too_large"
        reply = server.post(GENERATIONS, image, Content_Type="application/json")  # sends everything, then reads
        assert reply.status == 413
        assert peak_memory(server) - before < 20 * MEBIBYTE
        assert server.generate().status == 200


def test_curl_with_a_body_of_100_mb(start_server, tmp_path):
    (tmp_path / "body").write_bytes(b" " * 100_000_000)
    with start_server() as server:
        command = [
            "curl",
            "-s",
            "--max-time",
            str(SECONDS),
            "-w",
            "%{http_code} %{size_upload}",
            "-o",
            tmp_path / "reply",
        ]
        command += ["-H", "Content-Type: application/json", "--data-binary", f"@{tmp_path}/body"]
        result = subprocess.run([*command, f"{server.url}{GENERATIONS[1:]}"], capture_output=True, text=True)
        status, uploaded = result.stdout.split()
        assert status == "413" and int(uploaded) < 50 * MEBIBYTE
        assert "larger than" in (tmp_path / "reply").read_text()


def test_body_without_a_length_is_cut_off(start_server):
    with start_server("--max-body", "2") as server:
        server.generate()
        before = peak_memory(server)
        with server.connect() as connection:
            head = f"POST {GENERATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
            try:
                for _ in range(1600):
                    connection.sendall(chunk)
                received = answer(connection)
            except ConnectionError:
                received = ""
        assert received.startswith("HTTP/1.1 413 ") or not received
        assert (
            server.metric('pixart_http_requests_total{method="POST",route="/v1/images/generations",status="413"}') == 1
        )
        assert peak_memory(server) - before < 20 * MEBIBYTE


def test_images_are_bounded_in_pixels(server):
    file = io.BytesIO()
    PIL.Image.new("1", (9000, 9000)).save(file, "PNG")
    encoded = base64.b64encode(file.getvalue()).decode()
    reply = server.post("/sdapi/v1/img2img", {"prompt": "", "init_images": [encoded], "steps": 1})
    assert reply.status == 413 and "81000000" not in reply.json["detail"] and "9000 x 9000" in reply.json["detail"]


def test_limits_of_the_command(start_server):
    arguments = ("--max-images", "2", "--max-steps", "5", "--max-size", "128")
    with start_server(*arguments) as server:
        assert server.generate(n=3).status == server.generate(num_inference_steps=6).status == 400
        assert server.generate(size="144x128").status == 400 and server.generate(size="128x128").status == 200
        properties = server.get("/v1/schema").json["properties"]
        assert properties["num_inference_steps"]["maximum"] == 5 and properties["width"]["maximum"] == 128


def test_connections_that_send_no_request_are_closed(start_server):
    with start_server("--head-seconds", "1") as server:
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: local"):
            with server.connect() as connection:
                connection.sendall(sent)
                assert ended(connection)
        with server.connect() as connection:  # a byte now and then gives a head no more time
            connection.settimeout(0.05)
            connection.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
            until(lambda: is_refused(connection, b"x"))
        with server.connect() as connection:  # nor does it for a second request
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea")
            assert answer(connection).count("HTTP/1.1 200") == 1
        assert server.generate().status == 200


def test_body_that_does_not_arrive(start_server):
    with start_server("--body-seconds", "1") as server, server.connect() as connection:
        head = f"POST {GENERATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"prompt": ')
        received = answer(connection)
        assert received.startswith("HTTP/1.1 408 ") and "body_timeout" in received


def test_client_that_does_not_read_is_cut_off(start_server):
    with start_server("--write-seconds", "1") as server, server.connect() as connection:
        connection.settimeout(0.05)
        until(lambda: is_refused(connection, b"GET /page/page.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100))
        assert server.generate().status == 200


def test_head_is_bounded(server):
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        try:
            for _ in range(100):
                connection.sendall(b"x" * 65536)
            received = answer(connection)
        except ConnectionError:
            received = "HTTP/1.1 400 "
        assert received.startswith("HTTP/1.1 4")


def test_connections_are_bounded(start_server):
    with start_server("--max-connections", "5") as server:
        idle = [server.connect() for _ in range(10)]
        until(lambda: server.get("/health").status == 503)
        for connection in idle:
            connection.close()
        until(lambda: server.get("/health").status == 200)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"prompt": NaN}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b'{"n": ' + b"9" * 100_000 + b"}", "application/json", 400),
        (b'{"prompt": "a cat"}', "text/plain", 415),
        (b'{"prompt": "a cat"}', "", 415),
        (b"prompt=cat", "application/x-www-form-urlencoded", 415),
    ],
)
@pytest.mark.parametrize("path", [GENERATIONS, "/sdapi/v1/txt2img", "/sdapi/v1/options"])
def test_bodies_that_are_not_json(server, path, body, kind, status):
    reply = server.post(path, body, Content_Type=kind)
    assert reply.status == status and reply.json["error"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ncat', "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 70 + b"--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_bodies_that_are_not_forms(server, body, kind):
    for path in ("/v1/images/edits", "/v1/images/variations"):
        reply = server.post(path, body, Content_Type=kind)
        assert reply.status == 400 and reply.json["error"]["message"]


def test_requests_that_are_not_http(server):
    for sent in (b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"):
        with server.connect() as connection:
            connection.sendall(sent)
            assert answer(connection).startswith("HTTP/1.1 4")
    assert server.generate().status == 200


def test_paths_and_methods(server):
    assert (
        server.get("/nothing").status
        == server.get("/page/../_app.py").status
        == server.get("/page/%2e%2e").status
        == 404
    )
    assert server.get(GENERATIONS).status == 405 and server.post("/health", SHORT).status == 405
    assert server.get("/sdapi/v1/nothing").json["detail"] and server.get("/v1/nothing").json["error"]["message"]
