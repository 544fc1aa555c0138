"""What every request passes: who may ask, the headers of replies, errors, figures and the log."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import logging
import time
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._bodies import Bodies
from ._metrics import Metrics
from ._refusals import Refusal
from ._settings import Settings

access_log = logging.getLogger("pixart.server.access")
log = logging.getLogger("pixart.server")
OPEN_PATHS = ("/health", "/ready")
"""Paths that need no key."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Guards:
    """Wraps the application. Refusals and defects become replies here."""

    def __init__(
        self, app: ASGIApp, settings: Settings, bodies: Bodies, metrics: Metrics, routes: Sequence[Route]
    ) -> None:
        self._app, self._settings, self._bodies, self._metrics = app, settings, bodies, metrics
        self._paths: dict[object, str] = {route.endpoint: route.path for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size = time.monotonic(), 0, 0

        async def send_guarded(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            self._admit(scope)
            await self._app(scope, receive, send_guarded)
        except Refusal as refusal:
            await refusal.reply(scope["path"])(scope, receive, send_guarded)
        except Exception as error:  # the application has replied; this is for the log
            log.error("a request failed", exc_info=error)
        finally:
            self._bodies.release(scope)
            route = self._paths.get(scope.get("endpoint"), "none")
            self._metrics.requests.labels(scope["method"] if route != "none" else "none", route, str(status)).inc()
            if self._settings.access_log:
                self._log(scope, status, size, time.monotonic() - started)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not is_allowed_host(host, self._settings):
            message = f'Host is "{host[:100]}", which is not a name of this server; --allow-host adds one'
            raise Refusal(403, message, code="host_not_allowed", headers={"Connection": "close"})
        origin = headers.get("origin")
        if origin is not None and origin not in self._settings.allowed_origins and urlsplit_host(origin) != host:
            message = f'Origin is "{origin[:100]}", another site; --allow-origin allows one'
            raise Refusal(403, message, code="origin_not_allowed", headers={"Connection": "close"})
        key = self._settings.api_key
        is_preflight = scope["method"] == "OPTIONS" and origin is not None
        if key is not None and scope["path"] not in OPEN_PATHS and not is_preflight:
            if not any(hmac.compare_digest(given, key.encode()) for given in given_keys(headers)):
                headers_back = {"WWW-Authenticate": 'Basic realm="pixart", charset="UTF-8"', "Connection": "close"}
                message = "the API key is missing or wrong; expected Authorization: Bearer KEY"
                raise Refusal(401, message, code="invalid_api_key", headers=headers_back)

    def _log(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        client = scope.get("client") or ("", 0)
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "client": client[0],
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "bytes": size,
            "seconds": round(seconds, 4),
        }
        access_log.info(json.dumps(line))


def is_allowed_host(host: str, settings: Settings) -> bool:
    """Whether Host is a name of this server. A web page elsewhere can make its own name point here (DNS rebinding), but
    cannot make a browser send a name that it does not own, or an address."""
    name = host_name(host)
    if name in settings.allowed_hosts or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not settings.is_local


def host_name(host: str) -> str:
    """Host without its port, in lower case; an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def urlsplit_host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def given_keys(headers: Headers) -> Iterable[bytes]:
    """The keys of a request: a Bearer token, or the password of Basic, which browsers ask for."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip().encode()
    elif scheme.lower() == "basic":
        try:
            yield base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return
