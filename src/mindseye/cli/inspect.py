"""`mindseye inspect`: the data report of a collection."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from mindseye.cli import console
from mindseye.wording import counted


def inspect(
    collection: Annotated[str, typer.Argument(help="A prepared collection's folder, or a built-in name.")],
    out: Annotated[Path | None, typer.Option(help="Write the report as an HTML page, e.g. report.html.")] = None,
    as_json: console.Json = False,
) -> None:
    """Report what is in a collection.

    Pictures, captions, words, colours, duplicates, and what was left out and why.
    """
    import mindseye

    facts = mindseye.inspect(collection, page=out)
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
    return "\n".join(lines)


def _reasons(excluded: list[dict[str, str]]) -> list[tuple[str, int]]:
    return Counter(entry["reason"] for entry in excluded).most_common()
