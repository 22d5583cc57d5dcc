"""The command `mindseye`: its list of commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mindseye import __version__, files
from mindseye.cli import (
    animate,
    begin,
    between,
    collect,
    complete,
    console,
    correct,
    doctor,
    evaluate,
    explore,
    export,
    grid,
    imagine,
    inspect,
    models,
    repair,
    runs,
    search,
    serve,
    show,
    teach,
    think,
    train,
)
from mindseye.errors import MindseyeError

EXIT_CODES = """\b
Exit codes:
  0         done
  1         a mistake of mindseye itself
  2         the input cannot be used
  3         the machine lacks something: disk space, a permission, a package
  4         a training met a number that is not finite
  130, 143  stopped by Ctrl-C, by SIGTERM (129: its terminal was closed)

With --json the last line of standard output is one line of JSON; everything else goes to standard error."""

BUG_EXIT_CODE = 1

COMMANDS = (
    begin.begin,
    imagine.imagine,
    complete.complete,
    complete.vary,
    animate.animate,
    between.between,
    grid.grid,
    collect.collect,
    inspect.inspect,
    train.train,
    evaluate.evaluate,
    evaluate.compare,
    think.think,
    think.judge,
    explore.explore,
    search.search,
    correct.correct,
    teach.teach,
    teach.unteach,
    teach.recognise,
    serve.serve,
    serve.studio,
    runs.runs,
    models.models,
    doctor.doctor,
    export.export,
    show.show,
    repair.repair,
)


class Commands(TyperGroup):
    """A list of names and what each does, which is all that `--help` shows; the options of a command are built when it
    is called. Building those of every command takes 0.1 s."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._functions = {function.__name__: function for function in COMMANDS}
        for name, function in self._functions.items():
            self.add_command(TyperCommand(name, help=function.__doc__))

    def resolve_command(self, context: Any, words: list[str]) -> Any:
        name, command, rest = super().resolve_command(context, words)
        if name is None:
            return name, command, rest
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command()(self._functions[name])
        return name, typer.main.get_command(alone), rest


app = typer.Typer(
    name="mindseye",
    cls=Commands,
    help="A picture-making mind of your own: it learns from your captioned pictures and draws new ones from words.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs one command and leaves with its exit code; a person's mistake never shows a traceback, nor does ours
    unless `MINDSEYE_DEBUG=1` asks for it."""
    try:
        app(prog_name="mindseye")
    except MindseyeError as error:
        console.say(f"mindseye: {error}")
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("MINDSEYE_DEBUG") == "1":
            traceback.print_exc()
        if isinstance(error, OSError) and isinstance(error.filename, str):  # the system's, about a file
            told = files.storage_error(Path(error.filename), error)
            console.say(f"mindseye: {told}")
            sys.exit(told.exit_code)
        console.say(
            f"mindseye: a mistake of ours ({type(error).__name__}: {error}); please report it, with the output of the"
            " same command under MINDSEYE_DEBUG=1"
        )
        sys.exit(BUG_EXIT_CODE)
