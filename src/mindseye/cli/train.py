"""`mindseye train`: the same command starts a training and continues it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.cli.screen import training_screen
from mindseye.errors import BadInput


def train(
    family: Annotated[str, typer.Argument(help="The family of models, e.g. diffusion.")],
    collection: Annotated[str, typer.Argument(help="A prepared collection's folder, or a built-in name.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that is there goes on.")],
    minutes: Annotated[float | None, typer.Option(help="Train for this long.  [default: 45]")] = None,
    pictures: Annotated[int | None, typer.Option(help="Or until this many pictures were seen.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Settings from a recipe: its name, or a TOML file.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A model of the same family to go on from: a name, a folder, a run.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. batch_size=32; repeatable.")
    ] = None,
    as_json: console.Json = False,
) -> None:
    """Train a model. Ctrl-C saves and stops; the same command continues."""
    import mindseye

    wanted = parse_settings(settings or []) | ({"start": start} if start else {})
    with stoppable(), training_screen(f"opening {collection}") as watch:
        run = mindseye.train(
            family,
            mindseye.open_collection(collection),
            out,
            minutes=minutes,
            pictures=pictures,
            recipe=recipe,
            settings=wanted,
            log=console.say,
            show=watch.show,
            doing=watch.doing,
        )
    console.answer({"run": str(out), "model": str(run.model)}, str(run.model), as_json=as_json)


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """`["batch_size=32"]` as `{"batch_size": "32"}`.

    Raises:
        BadInput: one has no "=".
    """
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--set {pair} has no value", next_step="write it as KEY=VALUE, e.g. --set batch_size=32")
        settings[key] = value
    return settings


@contextmanager
def stoppable() -> Iterator[None]:
    """Leaves with the exit code that shells expect of a stopped training, and says how to go on."""
    from mindseye.train.signals import Interrupted

    try:
        yield
    except Interrupted as stop:
        console.say("stopped; the same command goes on from here")
        raise typer.Exit(stop.exit_code) from None
