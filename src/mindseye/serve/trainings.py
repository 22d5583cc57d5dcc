"""The trainings in one folder: listed, watched, started and stopped. A name is a folder's name, never a path.

A training is a process of its own, `mindseye train`, and its run folder is the truth about it. So it goes on when the
server ends, and one that was started elsewhere is listed and watched like any other. The server stops only those that
it started itself: a process id that it remembers from another life may be anybody's by now.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindseye import files
from mindseye.errors import BadInput
from mindseye.serve.asked import Busy, NotFound
from mindseye.train.facts import run_facts
from mindseye.train.run import RunFolder

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SETTING = re.compile(r"[a-z_]{1,64}(\.[a-z_]{1,64})?")
LOG_BYTES = 2000  # of a log that are looked at
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
        """
        facts = run_facts(self.run(name))
        return {**facts, "run": name, "collection": Path(facts["collection"]).name, "model": bool(facts["model"])}

    def start(
        self,
        name: str,
        family: str,
        collection: str,
        minutes: float | None,
        settings: Mapping[str, str | int | float | bool],
    ) -> None:
        """Starts a training, or goes on with one that was stopped.

        Raises:
            BadInput: the name or a setting cannot be used.
            NotFound: there is no such collection.
            Busy: a training is running, or has not quite ended.
        """
        if self._folder is None:
            raise BadInput("trainings are not started here", next_step="serve with --runs FOLDER")
        if not NAME.fullmatch(name):
            raise BadInput("name: small letters, digits, - and _, up to 64", field="name")
        if collection not in self._collections:
            raise NotFound(f"there is no collection {collection[:80]!r} here", field="collection")
        words = [sys.executable, "-m", "mindseye", "train", family, self._collections[collection]]
        words += ["--out", str(self._folder / name), *(() if minutes is None else ("--minutes", str(minutes)))]
        for key, value in settings.items():
            if not SETTING.fullmatch(key) or key.rpartition(".")[2] in PATHS:
                raise BadInput(f"there is no setting {key[:80]!r} to be set from here", field="settings")
            words += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        with self._lock:
            running = [run for run in self.names() if self.run(run).state == "running"]
            running += [run for run, process in self._started.items() if process.poll() is None]
            if running:
                raise Busy(f"{running[0]} is being trained: one at a time", retry_seconds=60)
            with files.storage_errors(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True)
                with open(self._folder / f"{name}.log", "ab") as log:
                    self._started[name] = subprocess.Popen(  # noqa: S603 - our own program; every word was checked
                        words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )

    def last_words(self, name: str) -> str:
        """What a training that this server started said last, if it has failed; "" where it has not."""
        process = self._started.get(name)
        if self._folder is None or process is None or process.poll() in (None, 0):
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
            process = self._started.get(name)
            if process is not None and process.poll() is None:
                process.terminate()
                return
        state = self.run(name).state
        if state == "running":
            raise BadInput(
                f"{name} was not started by this server", next_step="stop it where it was started", field="run"
            )
        raise BadInput(f"{name} is not running", why=f"it is {state}", field="run")
