"""Running the application: one socket, patience with a limit, and a shutdown that lets drawings end."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from mindseye.errors import Unavailable
from mindseye.serve.limits import Limits

GRACE_SECONDS = 6  # for answers that are under way when the server is asked to stop
BACKLOG = 1024


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any free one.

    Raises:
        Unavailable: the address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        at = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        taken = isinstance(error, OSError) and error.errno == 98
        raise Unavailable(
            f"{host} port {port} cannot be listened on",
            why="another program listens there" if taken else "the address is not one of this machine",
            next_step="choose another port, e.g. --port 0 for any that is free",
        ) from None
    at.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections inherit it, and no answer waits 40 ms
    return at


def run(app: ASGIApp, at: socket.socket, limits: Limits) -> None:
    """Serves until SIGINT or SIGTERM; the first lets what is under way end for a while, a second SIGINT does not."""
    server(app, limits).run(sockets=[at])


def server(app: ASGIApp, limits: Limits) -> uvicorn.Server:
    """The server of an application, ready to run."""
    config = uvicorn.Config(
        app,
        http=patient(limits.header_seconds),
        loop="asyncio",  # the same whatever else is installed
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def patient(header_seconds: float) -> type[H11Protocol]:
    """The protocol of a connection, which is closed when a request's first lines take longer than so many seconds."""

    class Patient(H11Protocol):
        """uvicorn's own protocol waits for them for ever."""

        _impatience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._stop_waiting()
            elif self._impatience is None:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._impatience = self.loop.call_later(header_seconds, self.transport.close)

        def _stop_waiting(self) -> None:
            if self._impatience is not None:
                self._impatience.cancel()
                self._impatience = None

    return Patient
