"""The application: every route behind its guards."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ._bodies import Bodies
from ._guards import Guards
from ._metrics import CONTENT_TYPE
from ._openai import OpenAI
from ._page import Page
from ._refusals import Refusal, refusal_of
from ._service import HungUp, Service
from ._stable_diffusion import StableDiffusion

CLIENT_CLOSED_REQUEST = 499
"""The status in figures and logs if the client has gone. Nobody receives it."""


def create_app(service: Service) -> ASGIApp:
    """The ASGI application of a service. The caller starts and closes the service."""
    settings, bodies = service.settings, Bodies(service.settings)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        is_ready, waiting = service.is_ready, len(service.queue)
        body = {"ready": is_ready, "waiting": waiting, "queue": settings.queue, "model": service.model_name}
        return JSONResponse(body, 200 if is_ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    routes = [
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        *OpenAI(service, bodies).routes(),
        *StableDiffusion(service, bodies).routes(),
        *Page(service).routes(),
    ]
    handlers = {HTTPException: _no_route, Refusal: _refused, HungUp: _hung_up, Exception: _failed}
    app: ASGIApp = Starlette(routes=routes, exception_handlers=handlers)
    if settings.allowed_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    return Guards(app, settings, bodies, service.metrics, routes)


async def _refused(request: Request, error: Exception) -> Response:
    return refusal_of(error).reply(request.url.path)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {404: "there is no such path", 405: "this path does not take this method"}.get(error.status_code)
    refusal = Refusal(error.status_code, message or error.detail, code="not_found", headers=error.headers)
    return refusal.reply(request.url.path)


async def _hung_up(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _failed(request: Request, _error: Exception) -> Response:
    return Refusal(500, "the server failed; its log says why", code="internal_error").reply(request.url.path)
