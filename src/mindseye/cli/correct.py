"""`mindseye correct`: change what a model believes, see what that did, and take it back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

if TYPE_CHECKING:
    from mindseye.correct.making import Corrected
    from mindseye.imagine.edits import Edit
    from mindseye.imagine.imaginer import Imaginer

DEBIAS, ERASE = "debias", "erase"


def correct(
    model: Annotated[str, typer.Argument(help="A shipped model's name, a model folder, a run or a pipeline.")],
    prompts: Annotated[
        list[str] | None,
        typer.Argument(
            help='Source and destination, e.g. "a rose" "a blue rose", or several pairs; with --erase concepts; with'
            ' --debias a concept and its attributes: "a heart" red blue.'
        ),
    ] = None,
    by_time: Annotated[bool, typer.Option("--time", help="Closed form; the destination adds to the source.")] = False,
    by_uce: Annotated[bool, typer.Option("--uce", help="Closed form; any pairs, and prompts to preserve.")] = False,
    by_refact: Annotated[bool, typer.Option("--refact", help="Rank one, in the text encoder; any one pair.")] = False,
    by_erase: Annotated[
        bool, typer.Option("--erase", help="UCE with nothing in particular for a destination: each prompt is erased.")
    ] = False,
    by_debias: Annotated[
        bool,
        typer.Option("--debias", help="UCE in a loop: each attribute equally often; counts pictures, takes minutes."),
    ] = False,
    name: Annotated[str, typer.Option(help="What to call the edit: imagine --edit NAME draws with it.")] = "",
    lam: Annotated[
        float | None, typer.Option("--lambda", help="How much stays as it is.  [default: 0.1 TIME, 0.5 UCE]")
    ] = None,
    hold: Annotated[
        float | None,
        typer.Option(help="How much captions of other things stay as they are.  [default: 0.3; in the papers 0]"),
    ] = None,
    preserve: Annotated[
        list[str] | None, typer.Option(help="A prompt that is to mean what it means; again for more.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, max=16, help="Drawn before and after for each prompt of the sheet; 0 for none.")
    ] = 2,
    out: Annotated[Path, typer.Option(help="Folder for the sheet, or the file that --export writes.")] = Path(
        "pictures"
    ),
    listed: Annotated[bool, typer.Option("--list", help="List the edits, and which contradict each other.")] = False,
    remove: Annotated[str, typer.Option(metavar="NAME", help="Take an edit back.")] = "",
    export: Annotated[
        str, typer.Option(metavar="NAME", help="Copy an edit's file to --out, for another's model.")
    ] = "",
    add: Annotated[Path | None, typer.Option(metavar="FILE", help="Take in an edit that was exported.")] = None,
    as_json: console.Json = False,
) -> None:
    """Correct what a model believes, in seconds and without training: every edit is a small file beside the model (of a
    pipeline, in your own data folder).

    The model's own files are never written. An edit is in force only where it is asked for: mindseye imagine --edit.
    """
    asked = {"TIME": by_time, "UCE": by_uce, "ReFACT": by_refact, ERASE: by_erase, DEBIAS: by_debias}
    methods = [method for method, wanted in asked.items() if wanted]
    if len(methods) + sum(map(bool, (listed, remove, export, add))) != 1:
        raise BadInput(
            "what is to be done?",
            next_step="--time, --uce, --refact, --erase or --debias makes an edit; or one of --list, --remove,"
            " --export, --add",
        )
    import mindseye
    from mindseye.correct import ledger

    imaginer = mindseye.load(model)
    if listed:
        _list(ledger.edits(imaginer), as_json=as_json)
    elif remove:
        path = ledger.remove(imaginer, remove)
        console.answer({"removed": remove, "path": str(path)}, f"{remove} is taken back", as_json=as_json)
    elif export:
        path = ledger.export(imaginer, export, out if out.suffix else out / f"{export}.safetensors")
        console.answer({"exported": export, "path": str(path)}, str(path), as_json=as_json)
    elif add:
        edit = ledger.add(imaginer, add)
        console.answer({"added": edit.name}, f"{edit.name} is added", as_json=as_json)
    else:
        if not name:
            raise BadInput("the edit has no name", next_step="give one: --name blue-rose")
        began = time.monotonic()
        if methods == [DEBIAS]:
            from mindseye.correct.evening import even_out

            concept, *attributes = prompts or [""]
            made = even_out(imaginer, concept, attributes, name, preserve=preserve or [], lam=lam, log=console.say)
        else:
            from mindseye.correct.methods import NOTHING

            erases = methods == [ERASE]
            pairs = [(concept, NOTHING) for concept in prompts or []] if erases else _pairs(prompts or [])
            made = mindseye.correct(
                imaginer, "UCE" if erases else methods[0], pairs, name,
                preserve=preserve or [], lam=lam, hold=hold, pictures=pictures, log=console.say,
            )  # fmt: skip
        _report(imaginer, made, out, time.monotonic() - began, as_json=as_json)


def _pairs(prompts: list[str]) -> list[tuple[str, str]]:
    if not prompts or len(prompts) % 2:
        raise BadInput(
            f"{len(prompts)} prompts are no pairs of source and destination",
            next_step='give both in quotation marks: "a rose" "a blue rose"',
        )
    return list(zip(prompts[::2], prompts[1::2], strict=True))


def _report(imaginer: Imaginer, made: Corrected, out: Path, seconds: float, *, as_json: bool) -> None:
    from mindseye.cli.drawing import save_page

    record = made.edit.record
    sheet = str(save_page(made.sheet, out, f"{record.name}-before-after")) if made.sheet else None
    for conflict in made.conflicts:
        console.say(f"conflict: {conflict}")
    rows = [
        [figure.name, f"{figure.value:.2f}", f"{figure.low:.2f} to {figure.high:.2f}", str(figure.n_generated)]
        for figure in made.figures
    ]
    text = [
        console.table(["figure", "value", "95 %", "pictures"], rows) if rows else "",
        f"{record.method}, {record.seconds:.2f} s, {record.share_of_weights:.2%} of all weights in what it changes,"
        f" {console.size(made.path.stat().st_size)}",
        f"edit: {made.path}",
        f"sheet: {sheet}" if sheet else "",
        f'draw with it: mindseye imagine "{record.pairs[0][0]}" --model {_called(imaginer)} --edit {record.name}',
    ]
    value = {
        **_value(made.edit), "path": str(made.path), "sheet": sheet, "seconds_with_pictures": round(seconds, 3),
        "conflicts": [str(conflict) for conflict in made.conflicts],
    }  # fmt: skip
    console.answer(value, "\n".join(line for line in text if line), as_json=as_json)


def _list(edits: list[Edit], *, as_json: bool) -> None:
    from mindseye.correct.ledger import conflicts

    found = conflicts(edits)
    rows = [
        [edit.name, edit.record.method, "; ".join(f"{one} -> {to or '(nothing)'}" for one, to in edit.record.pairs),
         f"{edit.record.share_of_weights:.2%}", f"{edit.record.seconds:.2f} s"]
        for edit in edits
    ]  # fmt: skip
    text = console.table(["edit", "method", "says", "weights", "took"], rows) if rows else "no edits"
    for conflict in found:
        console.say(f"conflict: {conflict}")
    value = {"edits": [_value(edit) for edit in edits], "conflicts": [str(conflict) for conflict in found]}
    console.answer(value, text, as_json=as_json)


def _value(edit: Edit) -> dict[str, Any]:
    return {**edit.record.model_dump(exclude={"layers"}), "sha256": edit.sha256}


def _called(imaginer: Imaginer) -> str:
    """What a person calls the model."""
    from mindseye.learn.folder import MODELS

    return imaginer.path.name if imaginer.path.parent == MODELS else str(imaginer.path)
