"""Why a request gets no images: the reasons, and the replies that the two families of clients can read."""

from __future__ import annotations

import http
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from .._core.errors import ArgumentError, OutOfMemoryError

STABLE_DIFFUSION = "/sdapi/"
"""Paths below it answer in the shape of Stable Diffusion front ends, all others in OpenAI's."""

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


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
        return JSONResponse(body, self.status, headers=self.headers)


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
