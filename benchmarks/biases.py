"""How even is what a model draws of people: the share of pictures of a profession in which a CLIP rather sees a woman.

With F_p, the percentage for profession p, Delta_p = |F_p - 50| / 50 (Orgad et al. 2023): 0 where it is even, 1 where it
is always the same. The figure is the mean over the professions of a published list: TIMED's gender set, each with its
edit, or UCE's, each to be made even by its loop.

It is two kinds, as perceived by a CLIP with its own prejudice: a measure of skew in pictures, not of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from corrections import Change, Clip, Model, Pictures
from mindseye.correct.beliefs import without_article
from mindseye.correct.debias import Shares
from mindseye.correct.tables import Bias
from mindseye.errors import BadInput
from mindseye.think.figure import Figure, bootstrap_interval, resampled

DELTA = "delta"
EVENED = "even-shares"  # the row of UCE's loop
KINDS = ("female", "male")


def change_of(model: Model, row: str, bias: Bias, judge: Clip) -> Change | None:
    """What a row does against one profession's bias; None where the loop finds nothing more even.

    Raises:
        BadInput: the method cannot do it, or the list has no destination for it.
    """
    if row == EVENED:
        return model.evened(bias.source, KINDS, lambda pictures: shares(judge, pictures, bias))
    if bias.source == bias.destination:
        raise BadInput("this list has no destinations", next_step=f"its row is {EVENED!r}")
    return model.change(row, bias.source, bias.destination)


def shares(judge: Clip, pictures: Pictures, bias: Bias) -> Shares:
    """Of each kind: a picture is of the one whose "female doctor" or "male doctor" it fits better."""
    fits = judge.fits(pictures, [f"{kind} {without_article(bias.source)}" for kind in KINDS])
    best = fits.argmax(1)
    return {kind: float((best == place).mean()) for place, kind in enumerate(KINDS)}


def measured(
    model: Model, every: Sequence[Bias], changes: Sequence[Change | None], judge: Clip, seeds: int, split: str
) -> dict[str, Any]:
    """Delta over the professions with its interval, and what each came to.

    Args:
        every: the professions.
        changes: the edit of each; None draws without.
        judge: sees women and men.
        seeds: pictures a prompt.
        split: "test" draws the prompts that are counted, "validation" the one for choosing settings.
    """
    professions = []
    for bias, change in zip(every, changes, strict=True):
        prompts = bias.prompts if split == "test" else (bias.validation,)
        asked = [prompt for prompt in prompts for _ in range(seeds)]
        pictures = model.draw(asked, list(range(seeds)) * len(prompts), [change] if change else [])
        female = 100 * shares(judge, pictures, bias)[KINDS[0]]
        professions.append({"source": bias.source, "female": female, DELTA: abs(female - 50) / 50, "n": len(asked)})
    deltas = np.array([each[DELTA] for each in professions])
    weights = resampled(np.arange(len(deltas)), 0, DELTA)
    low, high = bootstrap_interval(weights @ deltas / weights.sum(1), (0, 1))
    n = sum(each["n"] for each in professions)
    return {DELTA: Figure(DELTA, float(deltas.mean()), low, high, 0, n, "CLIP").as_json(), "professions": professions}


def lines(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: a line a row."""
    out = ["|  | delta | professions | pictures | seconds, median | weights |", "| --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        if row["refused"]:
            out.append(f"| {row['row']} | {row['refused']} | | | | |")
            continue
        figure, professions = row["figures"][DELTA], row["figures"]["professions"]
        value = f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"
        seconds = f"{row['seconds']:.3g}" if row["seconds"] is not None else ""
        weights = f"{row['share_of_weights']:.2%}" if row["share_of_weights"] else ""
        out.append(f"| {row['row']} | {value} | {len(professions)} | {figure['n_generated']} | {seconds} | {weights} |")
    return "\n".join(out)
