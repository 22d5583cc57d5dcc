"""The likelihood of real pictures under a model that has one: held-out pictures beside those of its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mindseye.imagine.imaginer import Imaginer
from mindseye.pictures.tensors import to_model
from mindseye.report.prompts import PromptSet
from mindseye.think.features import FEWEST
from mindseye.think.figure import Figure
from mindseye.think.likelihood import bits_per_dimension

MOST_PICTURES = 200  # of a set, evenly spread


def likelihood_figures(
    imaginer: Imaginer, sets: Sequence[PromptSet], notes: list[str], log: Callable[[str], None] = lambda line: None
) -> list[Figure]:
    """Bits per dimension of the real pictures of each set, given their captions: "bits_per_dimension/held_out", ...

    Args:
        imaginer: the model.
        sets: at its own size; painted ones, whose pictures nobody drew, and very small ones are left out.
        notes: takes in why there are none.
        log: called with a line of text now and then.
    """
    if not imaginer.abilities.likelihood:
        notes.append(f"no likelihood is computed of a {imaginer.kind} model")
        return []
    figures = []
    for asked in sets:
        if asked.painted or len(asked) < FEWEST:
            continue
        some = asked.first(MOST_PICTURES)
        log(f"how likely are {len(some):,} real pictures of {some.name}?")
        surprise = imaginer.ours.surprise(to_model(some.real), some.prompts)
        if surprise is None:
            notes.append(f"this {imaginer.kind} model was trained to give no likelihood")
            return []
        figure = bits_per_dimension(
            surprise.bits.numpy(),
            numbers=surprise.numbers,
            levels=surprise.levels,
            exact=surprise.exact,
            real_blocks=some.concepts,
        )
        figures.append(replace(figure, name=f"{figure.name}/{some.name}"))
    return figures
