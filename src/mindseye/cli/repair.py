"""`mindseye repair`: weights that survive a damaged disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput


def repair(
    folder: Annotated[Path, typer.Argument(help="A model, or a run with its checkpoints.")],
    protect: Annotated[
        bool, typer.Option("--protect", help="Write what repairs it later: a quarter of its size.")
    ] = False,
    as_json: console.Json = False,
) -> None:
    """Repair a damaged model or run, or protect one while it is whole: weights, settings and a run's plan.

    Of every ten blocks of a protected file any two may be lost: they are made again, bit for bit.
    """
    from mindseye.recall.repair import protect as protect_folder
    from mindseye.recall.repair import repair as repair_folder
    from mindseye.train.run import RunFolder

    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder", next_step="give the folder of a model or of a run")
    if RunFolder(folder).state == "running":
        raise BadInput(f"{folder} is being trained", next_step="stop the training first, or wait for its end")
    if protect:
        files = protect_folder(folder)
        value = {"protected": [{"path": file.path, "bytes": file.size} for file in files]}
        text = f"{len(files)} files protected, {console.size(sum(file.size for file in files))}"
        console.answer(value, text, as_json=as_json)
        return
    found = repair_folder(folder)
    rows = [[file.path, str(file.blocks), str(file.damaged), _verdict(file.rewritten)] for file in found]
    text = console.table(["file", "blocks", "damaged", ""], rows)
    console.answer({"files": [asdict(file) for file in found]}, text, as_json=as_json)


def _verdict(rewritten: bool) -> str:
    return "repaired" if rewritten else "whole"
