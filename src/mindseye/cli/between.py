"""`mindseye between MODEL`: a strip of pictures from one prompt to another, or from one seed to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.errors import BadInput


def between(
    model: Annotated[str, typer.Argument(help="A shipped model's name, a model folder or a run.")],
    prompt: Annotated[str, typer.Argument(help="What all pictures show, on the way between two seeds.")] = "",
    begin: Annotated[str | None, typer.Option("--from", help="The prompt to begin with ...")] = None,
    end: Annotated[str | None, typer.Option("--to", help="... and the one to end with.")] = None,
    from_seed: Annotated[int, typer.Option(help="The seed to begin with.")] = 0,
    to_seed: Annotated[int | None, typer.Option(help="The seed to end with.  [default: the same]")] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="Pictures in the strip, 2 to 64.")] = 8,
    guidance: Annotated[float | None, typer.Option(help="How strictly the prompts are followed.")] = None,
    steps: Annotated[int | None, typer.Option(help="Sampling steps.  [default: the model's]")] = None,
    edits: console.Edits = None,
    out: Annotated[Path, typer.Option(help="Folder for the strip.")] = Path("pictures"),
    as_json: console.Json = False,
) -> None:
    """Draw what lies between two prompts (--from, --to), between two seeds (--from-seed, --to-seed), or both."""
    import mindseye
    from mindseye.cli.drawing import save_page, slug
    from mindseye.report.between import between_strip

    if (begin is None) != (end is None) or (begin is not None and prompt):
        raise BadInput("a way between prompts needs both of its ends", next_step="give --from and --to, no PROMPT")
    if begin is None and to_seed is None:
        raise BadInput("between what?", next_step="give --from and --to, or --from-seed and --to-seed")
    shared = {"count": 1, "guidance": guidance, "steps": steps, "edits": tuple(edits or ())}
    ends = [
        mindseye.Request.of(prompt=words, seed=seed, **shared)
        for words, seed in ((begin or prompt, from_seed), (end or prompt, from_seed if to_seed is None else to_seed))
    ]
    mindseye.Request.of(prompt=prompt, count=count)  # count is within its range
    imaginer = mindseye.load(model)
    strip = between_strip(imaginer, ends[0], ends[1], count)
    words = dict.fromkeys(each.prompt for each in ends)  # once where both are the same
    path = save_page(strip, out, f"{slug(' '.join(words))}-between")
    answer = {"model": imaginer.name, "strip": str(path), "pictures": count}
    console.answer(answer, str(path), as_json=as_json)
