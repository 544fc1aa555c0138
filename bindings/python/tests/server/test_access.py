"""Who may ask: names of the host, origins, keys. What is logged."""

from __future__ import annotations

import base64
import json

import pytest
from running_server import RunningServer

EVIL = "evil.example"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8188", "[::1]:80", "pixart.localhost", "LOCALHOST"])
def test_names_of_this_machine(server, host):
    assert server.get("/health", Host=host).status == 200


@pytest.mark.parametrize(
    "host", [EVIL, "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "a b", "[", "::"]
)
def test_other_names_are_refused(server, host):
    """A page of evil.example that has its name resolve to 127.0.0.1 sends its own name."""
    for path in ("/", "/health", "/v1/models", "/sdapi/v1/options"):
        assert server.get(path, Host=host).status == 403


def test_names_that_are_allowed(start_server):
    with start_server("--allow-host", "Pictures.example") as server:
        assert server.get("/health", Host="pictures.example:443").status == 200
        assert server.get("/health", Host=EVIL).status == 403
        assert server.generate().status == 200


def test_all_addresses_are_names_if_the_server_is_not_local(start_server):
    with start_server("--host", "0.0.0.0") as server:
        assert server.get("/health", Host="192.0.2.7:8188").status == 200
        assert server.get("/health", Host=EVIL).status == 403


@pytest.mark.parametrize("origin", [f"https://{EVIL}", "null", "http://localhost:9", "http://[", "http://127.0.0.1"])
def test_other_sites_are_refused(server, origin):
    """A page elsewhere can send some requests without asking first. Its browser names it."""
    reply = server.post("/v1/images/generations", {"prompt": "a cat"}, Origin=origin)
    assert reply.status == 403 and reply.json["error"]["code"] == "origin_not_allowed"
    assert server.request("OPTIONS", "/v1/images/generations", Origin=origin).status == 403


def test_own_page_is_not_refused(server):
    host = f"127.0.0.1:{server.port}"
    assert server.get("/v1/schema", Origin=f"http://{host}", Host=host).status == 200


def test_cors_is_off_and_can_be_allowed_for_one_site(server, start_server):
    assert not [name for name in server.get("/v1/models").headers if name.lower().startswith("access-control")]
    site = "https://pictures.example"
    with start_server("--allow-origin", site) as other:
        reply = other.get("/v1/models", Origin=site)
        assert reply.status == 200 and reply.headers["Access-Control-Allow-Origin"] == site
        asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "Content-Type"}
        reply = other.request("OPTIONS", "/v1/images/generations", Origin=site, **asked)
        assert reply.status == 200 and "POST" in reply.headers["Access-Control-Allow-Methods"]
        assert other.get("/v1/models", Origin=f"https://{EVIL}").status == 403


def test_key(start_server, tmp_path):
    (tmp_path / "key").write_text("s3cret\n")
    with start_server("--api-key-file", str(tmp_path / "key"), is_ready=False) as server:
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic ?"}, {"Authorization": "Bearer"}):
            for path in ("/", "/v1/models", "/sdapi/v1/options", "/metrics", "/nothing"):
                reply = server.get(path, **given)
                assert reply.status == 401 and reply.headers["WWW-Authenticate"].startswith("Basic ")
        assert server.get("/health").status == 200
        basic = base64.b64encode(b"anybody:s3cret").decode()
        for given in ("Bearer s3cret", f"Basic {basic}"):
            assert server.get("/v1/models", Authorization=given).status == 200
        assert "s3cret" not in open(f"/proc/{server.process.pid}/cmdline").read()


def test_key_of_the_environment_and_empty_key(start_server, model, tmp_path):
    with start_server(is_ready=False, PIXART_API_KEY="k") as server:
        assert server.get("/v1/models").status == 401
        assert server.get("/v1/models", Authorization="Bearer k").status == 200
    (tmp_path / "key").write_text("\n")
    with pytest.raises(RuntimeError, match="is empty"):
        RunningServer("--api-key-file", str(tmp_path / "key"), model=str(model))


def test_replies_protect_the_page(server):
    page = server.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    for reply in (page, server.get("/page/page.js"), server.get("/v1/models"), server.get("/nothing")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["X-Frame-Options"] == "DENY"


def test_page_uses_only_its_own_files(server):
    names = ("", "page/page.css", "page/page.js", "page/controls.js", "page/gallery.js")
    texts = [server.get(f"/{name}").body.decode() for name in names]
    assert all(texts) and not [text for text in texts if "https://" in text or "http://" in text or "style=" in text]


def test_log_has_a_line_of_json_for_each_request_and_no_prompt(start_server):
    with start_server("--access-log") as server:
        server.generate(prompt="a secret cat")
        server.get("/nothing")
        status, errors = server.stop()
    lines = [json.loads(line) for line in errors.splitlines()]
    assert status == 0 and "secret" not in errors
    asked = [
        (line["method"], line["path"], line["status"]) for line in lines if line["path"] not in ("/health", "/ready")
    ]
    assert asked == [("POST", "/v1/images/generations", 200), ("GET", "/nothing", 404)]
    assert all(line["seconds"] >= 0 and line["bytes"] > 0 and line["client"] == "127.0.0.1" for line in lines)


def test_metrics_are_in_the_form_of_prometheus(server):
    from prometheus_client.parser import text_string_to_metric_families

    server.generate()
    reply = server.get("/metrics")
    names = {family.name for family in text_string_to_metric_families(reply.body.decode())}
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert {
        "pixart_http_requests",
        "pixart_jobs",
        "pixart_images",
        "pixart_run_seconds",
        "pixart_wait_seconds",
    } <= names
    assert {"pixart_queue_length", "pixart_running", "process_resident_memory_bytes"} <= names
