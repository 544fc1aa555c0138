"""Server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ._jobs import Job
from ._service import Service, hang_up

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection."""


class EventStream(Response):
    """A stream of a job's events. The job ends if the client hangs up."""

    media_type = "text/event-stream"

    def __init__(self, service: Service, job: Job, events: AsyncIterator[tuple[str, dict[str, object]]]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._service, self._job, self._stream = service, job, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(hang_up(receive))
        sending = asyncio.ensure_future(self._send_all(send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            self._service.abandon(self._job)
            for task in (gone, sending):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        event = asyncio.ensure_future(anext_of(self._stream))
        try:
            while True:
                await asyncio.wait({event}, timeout=KEEP_ALIVE)
                chunk = b": waiting\n\n"
                if event.done():
                    try:
                        name, data = event.result()
                    except StopAsyncIteration:
                        break
                    event = asyncio.ensure_future(anext_of(self._stream))
                    chunk = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            event.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def anext_of(stream: AsyncIterator[tuple[str, dict[str, object]]]) -> tuple[str, dict[str, object]]:
    return await stream.__anext__()
