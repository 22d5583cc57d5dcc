"""`mindseye doctor`: what this machine offers, what is missing, what is running, and the line that mends it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mindseye import files
from mindseye.cli import console
from mindseye.errors import MindseyeError, Unavailable

if TYPE_CHECKING:
    from packaging.requirements import Requirement

GOOD, LACKING, BROKEN = "good", "lacking", "broken"  # as it should be; something optional is not there; it cannot work
MARKS = {GOOD: "+", LACKING: "-", BROKEN: "!"}
FOR_BUILDERS = ("bench", "dev", "docs")  # extras that only people need who change mindseye
LITTLE_DISK = 2 * 2**30  # bytes: a run with checkpoints and a compiler's cache
LITTLE_MEMORY = 4 * 2**30  # bytes: what a training of the default model and its compiler take
BUSY = 0.25  # of the cores


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: `GOOD`, `LACKING` or `BROKEN`.
        found: in words.
        mend: the line that mends it, or "".
    """

    what: str
    state: str
    found: str
    mend: str = ""


def doctor(
    folder: Annotated[Path, typer.Argument(help="Where else to look for trainings that are running.")] = Path("."),
    as_json: console.Json = False,
) -> None:
    """Say what this machine offers, what is missing and the line that installs it, and what is running.

    Exit code 3 if something is broken that nothing works without.
    """
    found = [*machine(), *packages(), *parts(), *storage(), *servers(), *running(folder)]
    broken = [each for each in found if each.state == BROKEN]
    rows = [[MARKS[each.state], each.what, each.found] for each in found]
    mending = list(dict.fromkeys(each.mend for each in found if each.mend))
    text = [console.table(["", "what", "found"], rows), "", *(f"  {line}" for line in mending)]
    value = {"findings": [asdict(each) for each in found], "broken": len(broken)}
    console.answer(value, "\n".join(text).rstrip(), as_json=as_json)
    if broken:
        raise Unavailable(f"mindseye cannot work here: {broken[0].what}: {broken[0].found}", next_step=broken[0].mend)


def machine() -> Iterator[Finding]:
    """What it computes with."""
    import torch

    from mindseye.learn.device import best_device, has_bfloat16, processor_name
    from mindseye.train.machine import has_cpp_compiler

    yield Finding("python", GOOD, f"{platform.python_version()}, torch {torch.__version__}, {platform.system()}")
    device, cores = best_device(), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    arithmetic = "bfloat16" if has_bfloat16(device) else "float32, about half as fast as bfloat16 units would be"
    yield Finding("device", GOOD, f"{device}: {processor_name(device)}, {cores} cores; {arithmetic}")
    if has_cpp_compiler():
        yield Finding("compiler", GOOD, "a C++ compiler: trainings are compiled")
    else:
        yield Finding(
            "compiler", LACKING, "no C++ compiler: trainings run at perhaps half the speed", "apt install g++"
        )  # fmt: skip
    if hasattr(os, "getloadavg"):
        taken = os.getloadavg()[0] / (cores or 1)
        suffers = "" if taken < BUSY else ": a training beside that is several times slower"
        yield Finding("load", GOOD, f"{min(taken, 1):.0%} of the cores were busy in the last minute{suffers}")
    total, free = _memory()
    if total:
        yield Finding(
            "memory", GOOD if free > LITTLE_MEMORY else LACKING, f"{console.size(free)} free of {console.size(total)}"
        )


def packages() -> Iterator[Finding]:
    """What it needs, and what each extra needs, as its own package says."""
    from importlib import metadata

    from packaging.requirements import Requirement

    extras: dict[str, list[Requirement]] = {"": []}
    for line in metadata.requires("mindseye") or []:
        asked = Requirement(line)
        for extra in ["", *(metadata.metadata("mindseye").get_all("Provides-Extra") or [])]:
            if asked.marker is None or asked.marker.evaluate({"extra": extra}):
                extras.setdefault(extra, []).append(asked)
                break  # without an extra: for all
    for extra, asked_for in extras.items():
        if extra in FOR_BUILDERS:
            continue
        lacking = [wrong for asked in asked_for if (wrong := _lacks(asked))]
        name = f"mindseye[{extra}]" if extra else "mindseye"
        state = GOOD if not lacking else LACKING if extra else BROKEN
        words = ", ".join(lacking) if lacking else ", ".join(f"{a.name} {metadata.version(a.name)}" for a in asked_for)
        if extra or lacking:
            yield Finding(name, state, words, f"pip install '{name}'" if lacking else "")
        else:
            yield Finding(name, state, f"{metadata.version('mindseye')}, with all {len(asked_for)} packages")


def parts() -> Iterator[Finding]:
    """The weights that come with it: encoders and models, each opened as a drawing would."""
    from mindseye.learn.folder import MODELS, shipped_models
    from mindseye.observe.pictures import load_picture_encoder
    from mindseye.observe.text import load_text_encoder

    try:
        yield Finding("text encoder", GOOD, load_text_encoder().name)
        yield Finding("picture encoder", GOOD, load_picture_encoder().name)
    except MindseyeError as error:
        yield Finding("encoder", BROKEN, error.what, error.next_step)
    import mindseye

    for name in shipped_models():
        try:
            model = mindseye.load(name)
        except MindseyeError as error:
            yield Finding(f"model {name}", BROKEN, error.what, error.next_step)
        else:
            yield Finding(f"model {name}", GOOD, f"{model.kind}, {model.size} px, in {MODELS / name}")


def storage() -> Iterator[Finding]:
    """The folders that it writes to without being told."""
    for what, path in (("cache", files.cache_folder()), ("own folder", files.data_folder())):
        parent = files.existing_parent(path)
        free = shutil.disk_usage(parent).free
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            variable = {"cache": "MINDSEYE_CACHE", "own folder": "MINDSEYE_HOME"}[what]
            yield Finding(what, BROKEN, f"{path} cannot be written", f"export {variable}=/a/folder/of/yours")
        else:
            state = GOOD if free > LITTLE_DISK else LACKING
            yield Finding(what, state, f"{path}, {console.size(free)} free")


def servers() -> Iterator[Finding]:
    """Servers and studios of this person that are running."""
    for facts in files.under_way("server"):
        pages = "the studio with " if facts["studio"] else ""
        words = f"{facts['address']}: {pages}{', '.join(facts['models'])}; process {facts['process']}"
        yield Finding("server", GOOD, words)


def running(folder: Path) -> Iterator[Finding]:
    """Trainings under way: this person's, wherever they are, and any in a folder or one or two below it."""
    from mindseye.train.facts import run_facts
    from mindseye.train.run import RunFolder

    processes = {Path(facts["run"]): facts["process"] for facts in files.under_way("training")}
    there = {path.parent for depth in ("", "*/", "*/*/") for path in folder.glob(f"{depth}run.toml")}
    for path in sorted({*(path for path in there if path.absolute() not in processes), *processes}):
        try:
            facts = run_facts(RunFolder(path))
        except MindseyeError as error:
            yield Finding("training", LACKING, error.what)
            continue
        if facts["state"] == "running":
            words = f"{facts['run']}: {facts['family'] or 'it begins'}, {facts['pictures_seen']:,} pictures seen"
            number = processes.get(path.absolute())
            yield Finding("training", GOOD, f"{words}; process {number}" if number else words)


def _lacks(asked: Requirement) -> str:
    """What is wrong with a package, or ""."""
    from importlib import metadata

    try:
        there = metadata.version(asked.name)
    except metadata.PackageNotFoundError:
        return f"{asked.name} is not installed"
    return "" if asked.specifier.contains(there, prereleases=True) else f"{asked.name} {there} is not {asked.specifier}"


def _memory() -> tuple[int, int]:
    """Bytes in all and free, or (0, 0) where the system does not say."""
    path = Path("/proc/meminfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kibibytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return kibibytes.get("MemTotal", 0) * 1024, kibibytes.get("MemAvailable", 0) * 1024
