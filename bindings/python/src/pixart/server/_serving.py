"""Serves an application until a signal ends it."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from types import FrameType

import uvicorn

from ._app import create_app
from ._connections import BoundedProtocol
from ._service import Service
from ._settings import Settings

log = logging.getLogger("pixart.server")


class _Server(uvicorn.Server):
    """uvicorn's server, which closes the service while it shuts down."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._service.worker.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no connections and no jobs, lets jobs end for `shutdown_seconds`, then cancels them."""
        service = self._service
        service.is_closing = True
        service.queue.close()
        end = asyncio.get_running_loop().call_later(service.settings.shutdown_seconds, service.queue.cancel_all)
        try:
            await super().shutdown(sockets)
        finally:
            end.cancel()
            await service.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal cancels at once."""
        if self.should_exit:
            self._service.queue.cancel_all()
        super().handle_exit(sig, frame)


def serve(settings: Settings, model: str) -> int:
    """Serves a model. Returns the exit status: 0 after SIGTERM or SIGINT, 1 if the model cannot be opened."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family, backlog=128)
    with listener:
        service = Service(settings, model, failed=lambda: stop())
        BoundedProtocol.head_seconds = settings.head_seconds
        BoundedProtocol.write_seconds = settings.write_seconds
        config = uvicorn.Config(
            create_app(service),
            http=BoundedProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=settings.max_connections,
            timeout_graceful_shutdown=int(settings.shutdown_seconds) + 5,
        )
        server = _Server(config, service)

        def stop(_number: int = 0, _frame: FrameType | None = None) -> None:
            server.should_exit = True

        # uvicorn's handlers replace these while it serves. It raises its signals once more at the end.
        previous = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            print(f"pixart serves {service.model_name} at {address(listener)}", flush=True)
            asyncio.run(server.serve([listener]))
        finally:
            for each, handler in previous.items():
                signal.signal(each, handler)
        if service.worker.failure is not None:
            print(f"pixart serve: {service.worker.failure}", file=sys.stderr)
            return 1
        return 0


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
