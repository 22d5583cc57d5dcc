"""`mindseye serve`: an HTTP API that clients of the OpenAI images API already speak."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from mindseye.serve.http.access import Access

NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
SAVE = (
    "import base64,json,sys;"
    "open('picture.png','wb').write(base64.b64decode(json.load(sys.stdin)['data'][0]['b64_json']))"
)


def serve(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Names, folders or runs.  [default: emoji]")
    ] = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; others than this machine's own need a token.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    token: Annotated[
        str, typer.Option(envvar="MINDSEYE_TOKEN", show_envvar=True, help="Ask for it; 16 characters or more.")
    ] = "",
    guest_token: Annotated[
        str,
        typer.Option(envvar="MINDSEYE_GUEST_TOKEN", show_envvar=True, help="Of those who may not start trainings."),
    ] = "",
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name the server may be called by; repeatable.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help="A collection to search and train on; repeatable.")
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="The folder of trainings to show, start and stop.")] = None,
    queue: Annotated[
        int, typer.Option(min=1, help="Pictures under way, at most; then it says when to ask again.")
    ] = 64,
    remember: Annotated[
        int, typer.Option(min=0, help="Pictures kept in memory for who asks the same again; 0 for none.")
    ] = 1000,
    alike: Annotated[
        float | None,
        typer.Option(
            min=0.8,
            max=1.0,
            help="Who names no seed may get a kept picture of a prompt with this cosine or more.  [default: never]",
        ),
    ] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Leave out of the pictures how each was made.")] = False,
) -> None:
    """Serve models over HTTP, as the OpenAI images API.

    It listens on this machine only. Ctrl-C lets what is under way end and stops.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise Unavailable(f"{missing[0]} is not installed", next_step="pip install 'mindseye[serve]'")
    from mindseye.serve.http.access import Access
    from mindseye.serve.http.app import make_app
    from mindseye.serve.http.run import listening, run
    from mindseye.serve.library import Library
    from mindseye.serve.limits import Limits
    from mindseye.serve.remembered import Remembered
    from mindseye.serve.service import Service
    from mindseye.serve.trainings import Trainings

    Access(host, port, token, guest_token)  # before anything is opened
    if runs is not None and runs.exists() and not runs.is_dir():
        raise BadInput(f"{runs} is not a folder", next_step="give the folder that holds the runs")
    limits = Limits(queued_pictures=queue)
    with listening(host, port) as at:
        access = Access(host, at.getsockname()[1], token, guest_token, tuple(map(str.lower, allow_host or ())))
        library = Library.open(collection or ())
        trainings = Trainings(runs, dict(zip(library.collections, collection or (), strict=True)))
        service = Service.open(models or ["emoji"], limits, Remembered(remember, alike))
        try:
            for line in greeting(list(service.imaginers), access):
                console.say(line)
            run(make_app(service, library, trainings, access, story=not strip), at, limits)
        finally:
            service.close()
            library.close()


def greeting(models: list[str], access: Access) -> list[str]:
    """What is said when the server is ready: where it is, and a line that works as it stands."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(access.host, access.host)  # noqa: S104 - what to call it, not a bind
    address = f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{access.port}"
    authorization = ' -H "Authorization: Bearer $MINDSEYE_TOKEN"' if access.token else ""
    body = shlex.quote('{"prompt": "a smiling cat", "seed": 0}')
    return [
        f"{', '.join(models)} at {address} (Ctrl-C stops)",
        "with the token in MINDSEYE_TOKEN:" if access.token else "",
        f"curl -s {address}/v1/images/generations -H 'Content-Type: application/json'{authorization} -d {body}"
        f' | python3 -c "{SAVE}"',
        "",
        f"OpenAI clients: base_url={address}/v1, api_key={'the token' if access.token else 'anything'}",
    ]
