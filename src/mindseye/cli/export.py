"""`mindseye export MODEL --onnx FOLDER`: a model for programs without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console


def export(
    model: Annotated[str, typer.Argument(help="A shipped model's name, a model folder or a run.")],
    onnx: Annotated[Path, typer.Option(help="Folder for the ONNX files; one that is there is replaced.")],
    as_json: console.Json = False,
) -> None:
    """Write a model as ONNX files: one step of its network, and the text encoder that reads prompts for it."""
    from mindseye.errors import BadInput
    from mindseye.imagine.export import FACTS, export_onnx

    if onnx.exists() and not (onnx / FACTS).is_file():
        raise BadInput(f"{onnx} is there and holds something else", next_step="choose a new folder")
    console.say("exporting: this takes a minute or two")
    facts = export_onnx(model, onnx)
    console.answer({**facts, "path": str(onnx)}, str(onnx), as_json=as_json)
