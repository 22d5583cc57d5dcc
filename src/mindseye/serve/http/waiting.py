"""Waiting for an answer as long as somebody is there to be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from mindseye.serve.asked import TooLate

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is there to be answered."""


async def unless_gone(request: Request, answer: Awaitable[T], seconds: float | None = None) -> T:
    """The answer, unless the client leaves before, or it takes too long; then it is cancelled.

    Args:
        request: its body has been read.
        answer: what is waited for.
        seconds: how long at most; as long as it takes unless given.

    Raises:
        ClientGone: it left.
        TooLate: it took longer.
    """
    answered, gone = asyncio.ensure_future(answer), asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait((answered, gone), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        if gone.done():
            raise ClientGone
        raise TooLate.after(seconds or 0)
    finally:
        answered.cancel()
        gone.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
