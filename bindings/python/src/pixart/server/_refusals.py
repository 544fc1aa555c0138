"""Why a request gets no images: the reasons, and the replies that the two families of clients can read."""

from __future__ import annotations

import asyncio
import contextlib
import http
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .._core.errors import ArgumentError, OutOfMemoryError

STABLE_DIFFUSION = "/sdapi/"
"""Paths below it answer in the shape of Stable Diffusion front ends, all others in OpenAI's."""

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


CLOSE = {"Connection": "close"}
"""Headers of a reply to a request whose body is still on its way, so that the connection cannot be used again."""
LINGER_SECONDS = 2.0


class LingeringResponse(JSONResponse):
    """A reply to a request whose body was not read. Many clients read a reply only after they have sent everything, and
    lose it if the connection ends before. So what still arrives is dropped for a while."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drop(receive), LINGER_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


class Refusal(Exception):
    """A request cannot be served. `param` names the field, `code` is a word for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def described(self) -> dict[str, object]:
        """The error as OpenAI's clients read it."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"message": self.message, "type": kind, "param": self.param, "code": self.code}

    def reply(self, path: str) -> Response:
        if path.startswith(STABLE_DIFFUSION):
            name = http.HTTPStatus(self.status).phrase
            body: dict[str, object] = {"error": name, "detail": self.message, "errors": self.message}
        else:
            body = {"error": self.described()}
        kind = LingeringResponse if self.headers == CLOSE else JSONResponse
        return kind(body, self.status, headers=self.headers)


def refusal_of(error: BaseException) -> Refusal:
    """The reply for an exception of a run. Texts about the machine, such as paths, stay in the server's log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, ArgumentError):
        return Refusal(400, str(error), param=_named(str(error)), code="invalid_value")
    if isinstance(error, (OutOfMemoryError, MemoryError)):
        return Refusal(503, "the machine has too little free memory for this request", code="out_of_memory")
    return Refusal(500, "the run failed; the log of the server says why", code="internal_error")


def _named(message: str) -> str | None:
    """The option or argument that a message of the library names: `option "height" is ...`, `strength: ...`."""
    before, quote, after = message.partition('"')
    if quote and before in ("option ", "pixart_denoise has no option "):
        return after.partition('"')[0]
    word = message.partition(":")[0].split(" ")[0]
    return word if word.isidentifier() and message.startswith(f"{word}:") else None
