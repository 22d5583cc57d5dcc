"""A few uploads at a time, so that many large ones do not fill the memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mindseye.serve.asked import Busy


class Uploads:
    """Counts what comes in. On one event loop.

    Args:
        most: at a time.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While one comes in.

        Raises:
            Busy: as many as may are coming in already.
        """
        if not self._left:
            raise Busy("too many pictures are being uploaded already", retry_seconds=1)
        self._left -= 1
        try:
            yield
        finally:
            self._left += 1
