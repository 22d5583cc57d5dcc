"""`mindseye serve`: an HTTP API that clients of the OpenAI images API already speak; `mindseye studio`: the same server
with pages for a browser."""

from __future__ import annotations

import shlex
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mindseye import files
from mindseye.cli import console
from mindseye.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from mindseye.serve.http.access import Access

NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
REMEMBERED = 1000  # pictures
DEFAULT = ["emoji"]  # models
Models = Annotated[
    list[str] | None, typer.Argument(metavar="[MODEL]...", help="Names, folders or runs.  [default: emoji]")
]
Host = Annotated[str, typer.Option(help="The address to listen on; others than this machine's own need a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")]
Token = Annotated[
    str, typer.Option(envvar="MINDSEYE_TOKEN", show_envvar=True, help="Ask for it; 16 characters or more.")
]
GuestToken = Annotated[
    str, typer.Option(envvar="MINDSEYE_GUEST_TOKEN", show_envvar=True, help="Of those who may not start trainings.")
]
AllowHost = Annotated[list[str] | None, typer.Option(help="A further name the server may be called by; repeatable.")]
Collections = Annotated[
    list[str] | None, typer.Option(help="A collection to look at, search and train on; repeatable.")
]
Runs = Annotated[Path | None, typer.Option(help="The folder of trainings to show, start and stop.")]
Queue = Annotated[int, typer.Option(min=1, help="Pictures under way, at most; then it says when to ask again.")]
Remember = Annotated[int, typer.Option(min=0, help="Pictures kept in memory for who asks the same again; 0 for none.")]
Alike = Annotated[
    float | None,
    typer.Option(
        min=0.8, max=1.0,
        help="Who names no seed may get a kept picture of a prompt with this cosine or more.  [default: never]",
    ),
]  # fmt: skip
Strip = Annotated[bool, typer.Option("--strip", help="Leave out of the pictures how each was made.")]

SAVE = (
    "import base64,json,sys;"
    "open('picture.png','wb').write(base64.b64decode(json.load(sys.stdin)['data'][0]['b64_json']))"
)


def serve(
    models: Models = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = "",
    guest_token: GuestToken = "",
    allow_host: AllowHost = None,
    collection: Collections = None,
    runs: Runs = None,
    queue: Queue = 64,
    remember: Remember = REMEMBERED,
    alike: Alike = None,
    strip: Strip = False,
) -> None:
    """Serve models over HTTP, as the OpenAI images API.

    It listens on this machine only. Ctrl-C lets what is under way end and stops.
    """
    needs(*NEEDED, extra="serve")
    access = _access(host, port, token, guest_token, allow_host)
    _run(models or DEFAULT, access, collection or [], runs, queue, remember, alike, strip=strip, pages=False)


def studio(
    models: Models = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = "",
    guest_token: GuestToken = "",
    allow_host: AllowHost = None,
    collection: Collections = None,
    runs: Runs = Path("runs"),
    queue: Queue = 64,
    remember: Remember = REMEMBERED,
    alike: Alike = None,
    strip: Strip = False,
) -> None:
    """Open the studio: draw, complete, search, judge, correct and train in a browser.

    It is on the server of `mindseye serve`, so programs can use that meanwhile. It listens on this machine only. If no
    --collection is named, it has those that its models were trained on, where they are at hand.
    """
    needs(*NEEDED, "gradio", extra="studio")
    from mindseye.report.origins import collections_of

    access, models = _access(host, port, token, guest_token, allow_host), models or DEFAULT
    collections = collection or collections_of(models)
    _run(models, access, collections, runs, queue, remember, alike, strip=strip, pages=True)


def studio_is_there() -> bool:
    """Whether what the studio needs is installed."""
    return all(find_spec(name) is not None for name in (*NEEDED, "gradio"))


def open_studio(model: Path, collection: Path, runs: Path) -> None:
    """Runs the studio with one model, for this machine only and on any port that is free, until Ctrl-C."""
    from mindseye.serve.http.access import Access

    _run([str(model)], Access("127.0.0.1", 0), [str(collection)], runs, pages=True)


def _access(host: str, port: int, token: str, guest_token: str, names: list[str] | None) -> Access:
    """Who may speak to the server, by its options."""
    from mindseye.serve.http.access import Access

    return Access(host, port, token, guest_token, tuple(map(str.lower, names or ())))


def needs(*modules: str, extra: str) -> None:
    """Whether all that a command needs is installed.

    Raises:
        Unavailable: something is missing; the line that installs it is said.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise Unavailable(f"{missing[0]} is not installed", next_step=f"pip install 'mindseye[{extra}]'")


def _run(
    models: list[str],
    access: Access,
    collections: list[str],
    runs: Path | None,
    queue: int = 64,
    remember: int = REMEMBERED,
    alike: float | None = None,
    *,
    strip: bool = False,
    pages: bool,
) -> None:
    """Serves until it is stopped.

    Args:
        access: for the port that is asked for, which may be "any".
        pages: whether the studio is on it.
    """
    from mindseye.serve.http.app import make_app
    from mindseye.serve.http.run import listening, run
    from mindseye.serve.library import Library
    from mindseye.serve.limits import Limits
    from mindseye.serve.remembered import Remembered
    from mindseye.serve.service import Service
    from mindseye.serve.trainings import Trainings

    if runs is not None and runs.exists() and not runs.is_dir():
        raise BadInput(f"{runs} is not a folder", next_step="give the folder that holds the runs")
    limits = Limits(queued_pictures=queue)
    with listening(access.host, access.port) as at:
        access = replace(access, port=at.getsockname()[1])
        library = Library.open(collections)
        trainings = Trainings(runs, dict(zip(library.collections, collections, strict=True)))
        service = Service.open(models, limits, Remembered(remember, alike))
        try:
            add = None
            if pages:
                from mindseye.serve.studio.app import pages as studio_pages
                from mindseye.serve.studio.rooms import Rooms

                add = studio_pages(Rooms(service, library, trainings, access, story=not strip))
            names = list(service.imaginers)
            with files.announced("server", address=address_of(access), models=names, studio=pages):
                for line in greeting(names, access, pages=pages):
                    console.say(line)
                run(make_app(service, library, trainings, access, story=not strip, pages=add), at, limits)
        finally:
            service.close()
            library.close()


def greeting(models: list[str], access: Access, *, pages: bool = False) -> list[str]:
    """What is said when the server is ready: where it is, and a line that works as it stands."""
    address = address_of(access)
    authorization = ' -H "Authorization: Bearer $MINDSEYE_TOKEN"' if access.token else ""
    body = shlex.quote('{"prompt": "a smiling cat", "seed": 0}')
    if pages:
        return [
            f"the studio, with {', '.join(models)}: {address} (Ctrl-C stops)",
            "it asks for the token, which is in MINDSEYE_TOKEN" if access.token else "",
            f"programs: {address}/v1, as the OpenAI images API",
        ]
    return [
        f"{', '.join(models)} at {address} (Ctrl-C stops)",
        "with the token in MINDSEYE_TOKEN:" if access.token else "",
        f"curl -s {address}/v1/images/generations -H 'Content-Type: application/json'{authorization} -d {body}"
        f' | python3 -c "{SAVE}"',
        "",
        f"OpenAI clients: base_url={address}/v1, api_key={'the token' if access.token else 'anything'}",
    ]


def address_of(access: Access) -> str:
    """Where the server is to be called from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(access.host, access.host)  # noqa: S104 - what to call it, not a bind
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{access.port}"
