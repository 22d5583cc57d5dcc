"""`mindseye train`: the same command starts a training and continues it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput

if TYPE_CHECKING:
    from mindseye.train.progress import TrainingProgress


def train(
    family: Annotated[str, typer.Argument(help="The family of models, e.g. diffusion.")],
    collection: Annotated[str, typer.Argument(help="A prepared collection's folder, or a built-in name.")],
    out: Annotated[Path, typer.Option(help="The run's folder; a run that is there goes on.")],
    minutes: Annotated[float | None, typer.Option(help="Train for this long.  [default: 45]")] = None,
    pictures: Annotated[int | None, typer.Option(help="Or until this many pictures were seen.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Settings from a recipe: its name, or a TOML file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, e.g. batch_size=32; repeatable.")
    ] = None,
    as_json: console.Json = False,
) -> None:
    """Train a model. Ctrl-C saves and stops; the same command continues."""
    import mindseye

    wanted = parse_settings(settings or [])
    opened = mindseye.open_collection(collection)
    with stoppable(), training_progress() as show:
        run = mindseye.train(
            family,
            opened,
            out,
            minutes=minutes,
            pictures=pictures,
            recipe=recipe,
            settings=wanted,
            log=console.say,
            show=show,
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


@contextmanager
def training_progress() -> Iterator[Callable[[TrainingProgress], None] | None]:
    """What to hand to `train` as `show`: a bar on a terminal; None elsewhere, so that the training writes lines."""
    with console.progress("training") as update:
        if update is None:
            yield None
            return
        yield lambda now: update(
            now.progress, f"{now.pictures_per_second:,.0f} pictures/s  loss {now.loss:.4f}  lr {now.learning_rate:.1e}"
        )
