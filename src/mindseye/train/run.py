"""The run folder, the truth about a training: its plan, its events, its samples, its checkpoints, its model.

In the folder:

    run.toml        everything that was decided, resolved: family, data, settings, machine
    events.jsonl    one line a stage, with seconds and bytes, and `progress` every few seconds
    samples/        the sample sheet as it grows, named by pictures seen
    checkpoints/    the last two and the best
    model/          the finished model, once there is one
    features/       the captions as the text encoder read them
    lock            held by the operating system for the process that trains
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict

from mindseye.errors import BadInput
from mindseye.files import EventLog, announced, exclusive, is_locked, write_text

FORMAT = 1
State = Literal["new", "running", "interrupted", "finished", "stopped by error"]


class Plan(BaseModel):
    """What `run.toml` holds. `train` and `model` are the resolved settings, as plain values; `start_sha256` is the
    digest of the weights that it begins with, where they are another model's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    mindseye: str
    torch: str
    family: str
    collection: str
    collection_path: str
    fingerprint: str
    text_encoder_sha256: str
    start_sha256: str = ""
    pictures: dict[str, Any]
    train: dict[str, Any]
    model: dict[str, Any]
    machine: dict[str, Any]


class RunFolder:
    """A training on disk. Reading it needs no torch and changes nothing.

    Args:
        path: of the folder.
        writes: False in the processes that follow another's lead.
        doing: called with a few words on what begins now, for whoever watches.
    """

    def __init__(
        self, path: Path | str, *, writes: bool = True, doing: Callable[[str], None] = lambda words: None
    ) -> None:
        self.path = Path(path)
        self.writes = writes
        self.doing = doing
        self.events = EventLog(self.path / "events.jsonl")
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.model = self.path / "model"
        self.features = self.path / "features"

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Keeps every other process from training here; it ends with this process, however that ends.

        Raises:
            BadInput: another process trains here, or the folder holds something else.
            Unavailable: the folder cannot be written.
        """
        if self.path.exists() and not self.begun and not self._is_fresh():
            raise BadInput(
                f"{self.path} is not a run folder and not empty, so it is left alone",
                next_step="choose a new folder for the run",
            )
        busy = BadInput(
            f"{self.path} is in use: another process is training there",
            next_step=f"wait for it, stop it, or choose another folder; its progress: mindseye runs {self.path}",
        )
        with exclusive(self.path / "lock", busy=busy), announced("training", run=str(self.path.absolute())):
            yield

    def _is_fresh(self) -> bool:
        return self.path.is_dir() and {child.name for child in self.path.iterdir()} <= {"lock", "features"}

    @property
    def begun(self) -> bool:
        """Whether a training was planned here."""
        return (self.path / "run.toml").exists()

    @property
    def pictures_kept(self) -> int:
        """Pictures seen by the newest checkpoint, from its name; 0 before the first."""
        return max((int(path.name) for path in self.checkpoints.glob("[0-9]*") if path.name.isdecimal()), default=0)

    def read_plan(self) -> Plan | None:
        """What this run is, or None before it began.

        Raises:
            BadInput: run.toml is damaged or of another version.
        """
        path = self.path / "run.toml"
        if not self.begun:
            return None
        try:
            return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise BadInput(f"{path} cannot be read", why=str(error).splitlines()[0]) from error

    def write_plan(self, plan: Plan) -> None:
        if self.writes:
            write_text(self.path / "run.toml", tomli_w.dumps(plan.model_dump()))

    @property
    def state(self) -> State:
        """Derived from the lease and the last events, never stored."""
        if is_locked(self.path / "lock"):
            return "running"
        ends = [event for event in self.events.read() if event["event"] in ("started", "finished", "error")]
        if not ends:
            return "new"
        last = ends[-1]["event"]
        return "finished" if last == "finished" else "stopped by error" if last == "error" else "interrupted"

    def event(self, name: str, **fields: Any) -> None:
        """Appends an event to events.jsonl."""
        if self.writes:
            self.events.write(name, **fields)

    @contextmanager
    def stage(self, name: str, doing: str) -> Iterator[dict[str, Any]]:
        """Times a stage and writes its event; the block adds fields, `bytes` among them, to the yielded dict.

        Args:
            name: of the event.
            doing: what the stage does, in a few words for people.
        """
        self.doing(doing)
        fields: dict[str, Any] = {}
        began = time.monotonic()
        yield fields
        self.event(name, seconds=round(time.monotonic() - began, 3), **fields)
