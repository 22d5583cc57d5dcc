"""The command `mindseye`: its list of commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from mindseye import __version__
from mindseye.cli import (
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

app = typer.Typer(
    name="mindseye",
    help="A picture-making mind of your own: it learns from your captioned pictures and draws new ones from words.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    begin.begin,
    imagine.imagine,
    complete.complete,
    complete.vary,
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
):
    app.command()(command)


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
        console.say(
            f"mindseye: a mistake of ours ({type(error).__name__}: {error}); please report it, with the output of the"
            " same command under MINDSEYE_DEBUG=1"
        )
        sys.exit(BUG_EXIT_CODE)
