"""`mindseye inspect`: the data report of a collection."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.wording import counted

LINES_SHOWN = 10  # of each kind; the page and --json have all


def inspect(
    collection: Annotated[str, typer.Argument(help="A prepared collection's folder, or a built-in name.")],
    alike: Annotated[bool, typer.Option("--alike", help="Look for near-duplicates by meaning, too: minutes.")] = False,
    suggest: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Suggest captions for the pictures there that have none.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report as an HTML page, e.g. report.html.")] = None,
    as_json: console.Json = False,
) -> None:
    """Report what is in a collection.

    Pictures, captions, words, colours, duplicates, and what was left out and why.
    """
    import mindseye

    facts = mindseye.inspect(collection, alike=alike, suggest=suggest, page=out, log=console.say)
    page = {"page": str(out)} if out else {}
    console.answer({**facts, **page}, summary(facts), as_json=as_json)
    if out:
        console.say(f"report: {out}")
    elif not as_json:
        console.say("  a page of it with --out report.html")


def summary(facts: dict[str, Any]) -> str:
    """What was found, in a few lines.

    Args:
        facts: what `mindseye.inspect` returned.
    """
    splits = ", ".join(f"{count:,} in {name}" for name, count in facts["splits"].items())
    kind = "pixel art" if facts["pixel_art"] else "smooth pictures"
    transparency = "with transparency" if facts["transparent"] else "opaque"
    words = counted(facts["vocabulary"], "word")
    lines = [
        f"{facts['name']}: {counted(facts['pictures'], 'picture')} ({splits})",
        f"  captions    {facts['captions']:,} on {counted(facts['captioned'], 'picture')}, {words}",
        *(f"              {counted(count, 'picture')}: {source}" for source, count in facts["sources"].items()),
        f"  pictures    {kind}, {transparency}, for training at {facts['size_px']} px",
        f"  duplicates  {counted(len(facts['duplicate_groups']), 'group')}",
        f"  left out    {counted(len(facts['excluded']), 'file')}",
        *(f"              {count:,}: {reason}" for reason, count in _reasons(facts["excluded"])),
    ]
    if facts["flood"]:
        lines.append(
            f"  beware      one caption is on {facts['flood']['share']:.0%} of them: {facts['flood']['caption']}"
        )
    return "\n".join([*lines, *_alike(facts["alike"]), *_suggested(facts["suggestions"])])


def _alike(alike: dict[str, Any] | None) -> list[str]:
    """How many pairs, and the nearest few."""
    if alike is None:
        return []
    shown = alike["pairs"][:LINES_SHOWN]
    pairs = [f"              {pair['distance']:.3f}  {pair['one']}  {pair['other']}" for pair in shown]
    return [f"  alike       {counted(alike['count'], 'pair')} by meaning, up to a distance of {alike['limit']}", *pairs]


def _suggested(suggestions: list[dict[str, Any]] | None) -> list[str]:
    """The best caption for each of the first pictures."""
    if suggestions is None:
        return []
    best = [(one["file_name"], one["captions"][0]) for one in suggestions if one["captions"]]
    lines = [f"              {row['score']:.2f}  {name}  {row['caption']}" for name, row in best[:LINES_SHOWN]]
    return [f"  suggested   captions for {counted(len(best), 'picture')} without one", *lines]


def _reasons(excluded: list[dict[str, str]]) -> list[tuple[str, int]]:
    return Counter(entry["reason"] for entry in excluded).most_common()
