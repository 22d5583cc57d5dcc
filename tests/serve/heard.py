"""Requests to a service, and what they are told."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np

from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.request import Request
from mindseye.serve.asked import Asked, Drawn, Failed, Finished, News

LONG = {"steps": 200}  # a drawing that does not end by itself while a test looks at it


class Heard:
    """What a request was told."""

    def __init__(self) -> None:
        self._news: queue.Queue[News] = queue.Queue()
        self.told: list[News] = []

    def __call__(self, news: News) -> None:
        self._news.put(news)

    def until(self, *kinds: type, seconds: float = 30) -> News:
        """The next news of one of these kinds."""
        while True:
            news = self._news.get(timeout=seconds)
            self.told.append(news)
            if isinstance(news, kinds):
                return news

    def pictures(self) -> list[np.ndarray]:
        """Of the whole request, once it is finished."""
        end = self.until(Finished, Failed)
        assert isinstance(end, Finished), end
        drawn = sorted((news for news in self.told if isinstance(news, Drawn)), key=lambda news: news.place)
        return [news.picture.pixels for news in drawn]


def asked(
    prompt: str = "a cat", *seeds: int, model: str = "tiny", candidates: int = 1, partials: int = 0, **fields: Any
) -> Asked:
    request = Request(prompt=prompt, **{"steps": 2, **fields} if model == "tiny" else fields)
    return Asked(model, request, seeds or (0,), candidates, partials)


def alone(imaginer: Imaginer, what: Asked) -> list[np.ndarray]:
    return [imaginer.imagine(what.request, seeds=[seed])[0].pixels for seed in what.seeds]
