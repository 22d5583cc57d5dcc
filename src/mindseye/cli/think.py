"""`mindseye think`: a thinker for a model. `mindseye judge`: what to make of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console


def think(
    model: Annotated[str, typer.Argument(help="A model folder or a run.")],
    collection: Annotated[str, typer.Argument(help="The collection that it was trained on.")],
    minutes: Annotated[float, typer.Option(min=0.1, help="How long it may take.")] = 10.0,
    out: Annotated[Path | None, typer.Option(help="The thinker's folder.  [default: thinker in the model's]")] = None,
    as_json: console.Json = False,
) -> None:
    """Give a model a thinker.

    It learns which words fit which picture, to describe pictures, and to tell the model's pictures from real ones.
    `imagine --think` and `judge` use it. Stopped, the same command goes on.
    """
    import mindseye
    from mindseye.cli.train import stoppable
    from mindseye.report.thinking import make_thinker

    with stoppable():
        thinker = make_thinker(
            mindseye.load(model), mindseye.open_collection(collection), minutes=minutes, out=out, log=console.say
        )
    auc = thinker.detector.facts.auc if thinker.detector else None
    console.answer({"thinker": str(thinker.path), "auc": auc}, str(thinker.path), as_json=as_json)


def judge(
    picture: Annotated[Path, typer.Argument(help="A picture file.")],
    prompt: Annotated[str | None, typer.Option(help="What it should show.  [default: the prompt in its story]")] = None,
    model: Annotated[str, typer.Option(help="Whose thinker judges: a model's name, folder or run.")] = "emoji",
    thinker: Annotated[Path | None, typer.Option(help="Another thinker's folder.")] = None,
    collection: Annotated[
        str | None, typer.Option(help="Where to look for near pictures.  [default: what the model was trained on]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the answer as an HTML page, e.g. judged.html.")] = None,
    as_json: console.Json = False,
) -> None:
    """Say what to make of a picture.

    Real or imagined, what it shows, how well a prompt fits, and which training pictures are nearest.
    """
    from mindseye.cli.origins import collections_of
    from mindseye.report.judging import judge as judge_picture

    collection = collection or next(iter(collections_of([model])), None)
    verdict = judge_picture(
        picture, prompt=prompt, model=model, thinker=thinker, collection=collection, page=out, log=console.say
    )
    page = {"page": str(out)} if out else {}
    console.answer({**verdict, **page}, spoken(verdict), as_json=as_json)
    if out:
        console.say(f"report: {out}")


def spoken(verdict: dict[str, Any]) -> str:
    """The verdict in a few lines.

    Args:
        verdict: what `mindseye.judge` returned.
    """
    lines = [": ".join(part for part in (verdict["picture"], verdict["shows"]) if part)]
    if verdict["imagined"] is not None:
        lines.append(f"  imagined   with probability {verdict['imagined']:.2f}")
    for place, (caption, share) in enumerate(verdict["captions"]):
        lines.append(f"  {'' if place else 'captions':<10} {share:5.1%}  {caption}")
    if verdict["description"]:
        lines.append(f"  perhaps    {verdict['description']}")
    if verdict["prompt"] is not None:
        lines.append(f"  prompt     {verdict['match']:.2f}  {verdict['prompt']}")
    lines += [f"  taught     {similarity:.3f}  {word}" for word, similarity in verdict["taught"]]
    lines += [
        f"  near       {near['distance']:.3f}  {near['file_name']}  {near['caption']}" for near in verdict["nearest"]
    ]
    return "\n".join([*lines, *(f"note: {note}" for note in verdict["notes"])])
