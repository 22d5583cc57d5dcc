"""`mindseye runs`: trainings on disk, their state, and where the time of one went."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput
from mindseye.wording import counted, duration

SPARKS = "▁▂▃▄▅▆▇█"
CURVE_COLUMNS = 60


def runs(
    path: Annotated[Path, typer.Argument(help="A run, or a folder with runs in it.")] = Path("."),
    as_json: console.Json = False,
) -> None:
    """List trainings, or show one.

    Of a single run: its stages with time and data, so that a bottleneck is seen, and the curve of its loss.
    """
    from mindseye.train.facts import run_facts
    from mindseye.train.run import RunFolder

    if not path.is_dir():
        raise BadInput(f"{path} is not a folder", next_step="give a run, or a folder with runs in it")
    if (path / "run.toml").exists():
        facts = run_facts(RunFolder(path))
        console.answer(facts, _one(facts), as_json=as_json)
        return
    found = [
        run_facts(RunFolder(file.parent)) for file in sorted([*path.glob("*/run.toml"), *path.glob("*/*/run.toml")])
    ]
    rows = [
        [f["run"], f["state"], f["family"], f["collection"], f"{f['pictures_seen']:,}", _number(f["loss"])]
        for f in found
    ]
    text = console.table(["run", "state", "family", "collection", "pictures seen", "loss"], rows)
    console.answer({"runs": found}, text if found else f"no runs in {path}", as_json=as_json)


def _one(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['run']}: {facts['state']}",
        f"  {facts['family']} on {facts['collection']}, {counted(facts['pictures_seen'], 'picture')} seen",
    ]
    if facts["pictures_per_second"]:
        lines[-1] += f", {facts['pictures_per_second']:,.0f} a second"
    if facts["copies"]:
        lines.append(f"  copies of training pictures on its last sheet: {facts['copies']} of {facts['copies_among']}")
    if facts["model"]:
        lines.append(f"  model: {facts['model']}")
    if facts["losses"]:
        lines += [
            "",
            f"  loss {_number(facts['losses'][0])} {sparkline(facts['losses'])} {_number(facts['losses'][-1])}",
        ]
    rows = [
        [
            stage["stage"],
            duration(stage["seconds"]),
            f"{stage['share']:.1%}",
            console.size(stage["bytes"]) if stage["bytes"] else "",
        ]
        for stage in facts["stages"]
    ]
    if rows:
        lines += ["", *("  " + line for line in console.table(["stage", "time", "share", "data"], rows).splitlines())]
    if facts["step_shares"]:
        lines += ["", "  a step: " + ", ".join(f"{what} {share:.0%}" for what, share in facts["step_shares"].items())]
    return "\n".join(lines)


def sparkline(values: Sequence[float], columns: int = CURVE_COLUMNS) -> str:
    """A curve in one line of text: the means of `columns` equal stretches, between the lowest and the highest."""
    count = min(columns, len(values))
    edges = [index * len(values) // count for index in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(SPARKS[round((mean - low) * scale)] for mean in means)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
