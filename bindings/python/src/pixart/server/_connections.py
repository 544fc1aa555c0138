"""Connections that are bounded in time: clients that send no request, and clients that do not read the reply."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, with a time for the head of a request and for a pause in reading the reply.

    A body has a time of its own, in Bodies. h11 bounds the bytes of a head.
    """

    head_seconds = 10.0
    write_seconds = 60.0

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._write_timer = self._write_timer or self.loop.call_later(self.write_seconds, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head()
        self._stop_writing()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        """The time starts with the connection, or with the first byte of the next request, and is not extended."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_head()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
