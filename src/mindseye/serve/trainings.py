"""The trainings in one folder: listed, watched, started and stopped. A name is a folder's name, never a path.

A training is a process of its own, `mindseye train`, and its run folder is the truth about it. So it goes on when the
server ends, and one that was started elsewhere is listed and watched like any other. The server stops only those that
it started itself: a process id that it remembers from another life may be anybody's by now.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mindseye import files
from mindseye.collection.collection import is_prepared
from mindseye.errors import BadInput
from mindseye.imagine.families import NAMES
from mindseye.serve.asked import Busy, NotFound
from mindseye.train.facts import run_facts
from mindseye.train.run import Plan, RunFolder

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SETTING = re.compile(r"[a-z_]{1,64}(\.[a-z_]{1,64})?")
DEFAULT_FAMILY = "diffusion"
LOG_BYTES = 2000  # of a log that are looked at
STOPPED = (130, 143, -signal.SIGINT, -signal.SIGTERM)  # how a training ends that was asked to
PATHS = frozenset({"text_encoder", "start", "damsm", "base"})  # settings, of whatever section, that name a place


class Trainings:
    """The runs in one folder.

    Args:
        folder: with a run folder a name; None where trainings are neither shown nor started.
        collections: what may be trained on: by name, what `mindseye train` is to be given.
    """

    def __init__(self, folder: Path | None, collections: Mapping[str, str]) -> None:
        self._folder = folder
        self._collections = dict(collections)
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    @property
    def allowed(self) -> bool:
        """Whether trainings are shown and started here."""
        return self._folder is not None

    def beside(self, name: str) -> Path:
        """Where a model lies that is made here without a training, from another one.

        Raises:
            BadInput: nothing is made here, or the name cannot be used.
        """
        if self._folder is None:
            raise BadInput("nothing is trained or taught here", next_step="serve with --runs FOLDER")
        if Path(name).name != name or name.startswith("."):
            raise BadInput(f"a folder cannot be called {name[:80]!r}")
        return self._folder / name

    def names(self) -> list[str]:
        """Of every run, sorted."""
        return sorted(self._runs())

    def _runs(self) -> dict[str, Path]:
        if self._folder is None:
            return {}
        found = [*self._folder.glob("*/run.toml"), *self._folder.glob("*/run/run.toml")]  # and those of `begin`
        inside = [path.parent for path in found if path.resolve().is_relative_to(self._folder.resolve())]
        return {path.relative_to(self._folder).parts[0]: path for path in inside}

    def run(self, name: str) -> RunFolder:
        """The run called `name`.

        Raises:
            NotFound: there is none.
        """
        path = self._runs().get(name)
        if path is None:
            raise NotFound(f"there is no run {name[:80]!r} here", field="run")
        return RunFolder(path)

    def facts(self, name: str) -> dict[str, Any]:
        """What the run says of itself, with its name in place of paths.

        Raises:
            NotFound: there is none.
            BadInput: its record is damaged.
        """
        run = self.run(name)
        _plan_of(name, run)
        facts = run_facts(run)
        return {**facts, "run": name, "collection": Path(facts["collection"]).name, "model": bool(facts["model"])}

    def start(
        self,
        name: str,
        family: str | None = None,
        collection: str | None = None,
        minutes: float | None = None,
        settings: Mapping[str, str | int | float | bool] = MappingProxyType({}),
    ) -> None:
        """Starts a training; one that is there goes on, wherever it was begun.

        Args:
            family, collection: of a new training; one that goes on has its own.
            minutes: for how long in all; its own, or the default of `mindseye train`, unless given.
            settings: as for `mindseye train --set`.

        Raises:
            BadInput: the name, the family or a setting cannot be used.
            NotFound: there is no such collection.
            Busy: a training is running, or has not quite ended.
        """
        words = self.command(name, family, collection, minutes, settings)
        assert self._folder is not None
        with self._lock:
            running = [run for run in self.names() if self.run(run).state == "running"]
            running += [run for run in self._started if self.is_at_it(run)]
            if running:
                raise Busy(f"{running[0]} is being trained: one at a time", retry_seconds=60)
            with files.storage_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                with open(self._folder / f"{name}.log", "ab") as log:
                    self._started[name] = subprocess.Popen(  # noqa: S603 - our own program; every word was checked
                        words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )

    def command(
        self,
        name: str,
        family: str | None,
        collection: str | None,
        minutes: float | None,
        settings: Mapping[str, str | int | float | bool],
    ) -> list[str]:
        """The program that `start` starts, and its arguments.

        Args, Raises: as `start`, but for `Busy`.
        """
        if self._folder is None:
            raise BadInput("trainings are not started here", next_step="serve with --runs FOLDER")
        there = self._runs().get(name)
        plan = _plan_of(name, RunFolder(there)) if there else None
        if plan is None and not NAME.fullmatch(name):
            raise BadInput("name: small letters, digits, - and _, up to 64", field="name")
        family = family or (plan.family if plan else DEFAULT_FAMILY)
        if family not in ((plan.family,) if plan else NAMES):
            raise BadInput(
                f"{name} is of the family {plan.family}" if plan else f"there is no family {family[:80]!r}",
                next_step="leave the family out" if plan else f"use one of {', '.join(NAMES)}",
                field="family",
            )
        source = self._source(collection, plan)
        words = [sys.executable, "-m", "mindseye", "train", family, source, "--out", str(there or self._folder / name)]
        words += () if minutes is None else ("--minutes", str(minutes))
        for key, value in settings.items():
            if not SETTING.fullmatch(key) or key.rpartition(".")[2] in PATHS:
                raise BadInput(f"there is no setting {key[:80]!r} to be set from here", field="settings")
            words += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        return words

    def _source(self, collection: str | None, plan: Plan | None) -> str:
        """What to train on, as `mindseye train` takes it: what is named, else what the run was begun with."""
        if collection is None and plan is not None:
            if is_prepared(Path(plan.collection_path)):
                return plan.collection_path
            collection = plan.collection
        if collection is None or collection not in self._collections:
            asked = f"there is no collection {collection[:80]!r} here" if collection else "a collection is needed"
            known = ", ".join(self._collections) or "(none; --collection adds one)"
            raise NotFound(asked, next_step=f"use {known}", field="collection")
        return self._collections[collection]

    def is_at_it(self, name: str) -> bool:
        """Whether a process that this server started is at a training, which begins before its run says so and ends
        after it."""
        process = self._started.get(name)
        return process is not None and process.poll() is None

    def last_words(self, name: str) -> str:
        """What a training that this server started said last, if it has failed; "" where it has not."""
        process = self._started.get(name)
        if self._folder is None or process is None or process.poll() in (None, 0, *STOPPED):
            return ""
        with files.storage_errors(self._folder):
            log = (self._folder / f"{name}.log").read_bytes()[-LOG_BYTES:]
        return " ".join(log.decode(errors="replace").splitlines()[-3:])

    def stop(self, name: str) -> None:
        """Asks a training to save and stop.

        Raises:
            NotFound: there is no such run.
            BadInput: it is not running, or was started elsewhere.
        """
        with self._lock:
            if self.is_at_it(name):
                self._started[name].terminate()
                return
        state = self.run(name).state
        if state == "running":
            raise BadInput(
                f"{name} was not started by this server", next_step="stop it where it was started", field="run"
            )
        raise BadInput(f"{name} is not running", why=f"it is {state}", field="run")


def _plan_of(name: str, run: RunFolder) -> Plan | None:
    """What a run is.

    Raises:
        BadInput: its record is damaged; the message names no path.
    """
    try:
        return run.read_plan()
    except BadInput:
        raise BadInput(f"{name}: its run.toml is damaged", next_step="begin a new run", field="run") from None
