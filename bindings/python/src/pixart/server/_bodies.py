"""Reads the bodies of requests, bounded in bytes and time, for one request and for all together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Scope

from ._refusals import CLOSE, Refusal
from ._service import HungUp
from ._settings import MEBIBYTE, Settings

MOST_FILES, MOST_FIELDS = 8, 64
_HELD = "pixart.held"


class Bodies:
    """Counts the bytes that all requests hold."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.held = 0

    async def read(self, request: Request) -> bytes:
        """The body. If its stated length is too large, nothing of it is read."""
        settings = self._settings
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > settings.max_body:
            raise _too_large(settings)
        try:
            return await asyncio.wait_for(self._read(request), settings.body_seconds)
        except asyncio.TimeoutError:
            message = f"the body did not arrive within {settings.body_seconds:g} s"
            raise Refusal(408, message, code="body_timeout", headers={**CLOSE, "X-Should-Retry": "false"}) from None

    async def _read(self, request: Request) -> bytes:
        settings, body = self._settings, bytearray()
        try:
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise HungUp
                chunk = message.get("body", b"")
                body += chunk
                self.held += len(chunk)
                if len(body) > settings.max_body:
                    raise _too_large(settings)
                if self.held > settings.max_bodies:
                    text = "too many large requests arrive at once; try again later"
                    raise Refusal(503, text, code="overloaded", headers={**CLOSE, "Retry-After": "5"})
                if not message.get("more_body", False):
                    return bytes(body)
        finally:
            request.scope[_HELD] = request.scope.get(_HELD, 0) + len(body)

    def release(self, scope: Scope) -> None:
        """Counts the bytes of a request no longer: it is over, or has become a job."""
        self.held -= scope.pop(_HELD, 0)

    async def json(self, request: Request) -> dict[str, Any]:
        """The JSON object of the body."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            message = f'Content-Type is "{kind[:60]}"; expected application/json'
            raise Refusal(415, message, param="Content-Type", code="unsupported_media_type", headers=CLOSE)
        body = await self.read(request)
        try:
            value = json.loads(body, parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            where = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
            raise Refusal(400, f"the body is not JSON{where}", code="invalid_json") from None
        if not isinstance(value, dict):
            raise Refusal(400, "the body is JSON, but not an object", code="invalid_json")
        return value

    async def form(self, request: Request) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
        """The fields and the files of a multipart form. A name that ends in [] is that of a list."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            message = f'Content-Type is "{kind[:60]}"; expected multipart/form-data'
            raise Refusal(415, message, param="Content-Type", code="unsupported_media_type", headers=CLOSE)
        body = await self.read(request)

        async def stream() -> AsyncGenerator[bytes, None]:
            yield body

        parser = _InMemory(
            request.headers, stream(), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=MEBIBYTE
        )
        try:
            form = await parser.parse()
        except (MultiPartException, FormParserError) as error:  # which of them depends on Starlette's version
            raise Refusal(400, f"the body is not a form: {error}", code="invalid_form") from None
        fields: dict[str, Any] = {}
        files: dict[str, list[bytes]] = {}
        for name, value in form.multi_items():
            name = name[:-2] if name.endswith("[]") else name
            if isinstance(value, UploadFile):
                files.setdefault(name, []).append(await value.read())
            elif name in fields:
                raise Refusal(400, f"{name} is given twice", param=name, code="invalid_value")
            else:
                fields[name] = value
        await form.close()
        return fields, files


class _InMemory(MultiPartParser):
    """Uploads never touch the disk: the body is bounded, and is in memory already."""

    spool_max_size = 1 << 40


def _not_json(constant: str) -> object:
    raise ValueError(constant)


def _too_large(settings: Settings) -> Refusal:
    message = f"the body is larger than {settings.max_body} bytes, the limit of this server"
    return Refusal(413, message, code="body_too_large", headers=CLOSE)
