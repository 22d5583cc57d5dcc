"""What else the service knows besides models: collections to search, and pictures to judge. Names, never paths."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import TypeVar

import torch

from mindseye.collection.collection import Collection
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.recall.search import Searcher, open_searcher
from mindseye.serve.asked import Busy, NotFound

WAIT_SECONDS = 5.0  # for a collection to be made ready, which the first time takes minutes
LOOKS = 8  # that wait for their turn

Answer = TypeVar("Answer")


class Library:
    """Collections, opened once, and one thread that looks at pictures for all who ask.

    Attributes:
        collections: by name.
    """

    def __init__(self, collections: Mapping[str, Collection]) -> None:
        self.collections = dict(collections)
        self._searchers: dict[str, Future[Searcher]] = {}
        self._lock = threading.Lock()
        self._waiting = 0
        threads = (torch.set_num_threads, (torch.get_num_threads(),))
        self._looker = ThreadPoolExecutor(1, "look", initializer=threads[0], initargs=threads[1])
        self._preparer = ThreadPoolExecutor(1, "prepare", initializer=threads[0], initargs=threads[1])

    @classmethod
    def open(cls, names_or_folders: Sequence[str]) -> Library:
        """Opens collections by their names or folders.

        Raises:
            BadInput: there is no such collection, or two have the same name.
        """
        collections: dict[str, Collection] = {}
        for each in names_or_folders:
            collection = open_collection(each)
            if collection.name in collections:
                raise BadInput(f"two collections are called {collection.name!r}", next_step="serve one of them")
            collections[collection.name] = collection
        return cls(collections)

    def collection(self, name: str) -> Collection:
        """The collection called `name`.

        Raises:
            NotFound: there is none.
        """
        if name not in self.collections:
            there = ", ".join(self.collections) or "(none; --collection adds one)"
            raise NotFound(f"there is no collection {name[:80]!r} here", next_step=f"use {there}", field="collection")
        return self.collections[name]

    def trained_on(self, model: Imaginer) -> Collection | None:
        """The collection here that a model was trained on, if it is one of them."""
        own = model.about.collection.fingerprint if model.about else ""
        return next((each for each in self.collections.values() if each.fingerprint == own), None)

    def replace(self, collection: Collection) -> None:
        """Has a collection as it is now, in place of the one with its name."""
        with self._lock:
            self.collections[collection.name] = collection
            self._searchers.pop(collection.name, None)

    def searcher(self, name: str) -> Searcher:
        """What finds the pictures of a collection; made ready when it is first asked for.

        Raises:
            NotFound: there is no such collection.
            Busy: it is still being made ready.
            BadInput: it cannot be searched.
        """
        collection = self.collection(name)
        with self._lock:
            if name not in self._searchers or self._failed(name):
                self._searchers[name] = self._preparer.submit(open_searcher, collection)
        try:
            return self._searchers[name].result(WAIT_SECONDS)
        except NotYet:
            raise Busy(f"{name} is being made ready to be searched", retry_seconds=10) from None

    def _failed(self, name: str) -> bool:
        future = self._searchers[name]
        return future.done() and future.exception() is not None

    def look(self, at: Callable[[], Answer]) -> Future[Answer]:
        """Calls `at` when it is its turn: pictures are looked at one after another.

        Raises:
            Busy: so many wait already.
        """
        with self._lock:
            if self._waiting >= LOOKS:
                raise Busy("too many pictures wait to be looked at", retry_seconds=2)
            self._waiting += 1
        future = self._looker.submit(at)
        future.add_done_callback(self._looked)
        return future

    def _looked(self, future: Future[Answer]) -> None:
        with self._lock:
            self._waiting -= 1

    def close(self) -> None:
        """Ends its threads, after what they are at."""
        for pool in (self._looker, self._preparer):
            pool.shutdown(wait=False, cancel_futures=True)
