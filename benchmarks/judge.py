"""The prompts of the race and its one judge, both from mindseye's evaluation; the one file here that knows that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

import mindseye
import ours
from mindseye.report.compare import LOWER_IS_BETTER, NEITHER
from mindseye.report.explained import about, parsed
from mindseye.report.prompts import PromptSet, combination_sets, prompt_sets
from record import say


def prompt_set(collection: mindseye.Collection, name: str, limit: int) -> PromptSet:
    """The first `limit` prompts of a set ("held_out", "seen", ...), or as many as there are.

    Raises:
        SystemExit: the collection has no such set.
    """
    form = ours.picture_format(collection)
    every = [*prompt_sets(collection, form, limit), *combination_sets(collection, form, limit)]
    sets = {each.name: each for each in every}
    if name not in sets:
        raise SystemExit(f"{collection.name} has no prompts called {name}; there are {', '.join(sets)}")
    return sets[name]


def score(
    pictures: UInt8[np.ndarray, "n h w c"],
    prompts: Sequence[str] | None,
    collection: mindseye.Collection,
    name: str,
    first_seed: int = 0,
) -> dict[str, Any]:
    """All figures of a set of pictures, by name, each with its interval: the same function for every arm.

    Args:
        pictures: picture i was drawn for prompt i of the set, with seed `first_seed` + i.
        prompts: those prompts; None for an arm that hears none, of which no figures about prompts are given.
        collection: that everyone was trained on.
        name: of the set.
        first_seed: of the pictures.

    Raises:
        ImportError: a part of the evaluation is not installed.
    """
    from mindseye.report.evaluate import score_pictures
    from mindseye.report.reference import refer

    reference = refer(collection, ours.picture_format(collection), say)
    asked = prompt_set(collection, name, len(pictures))
    assert prompts is None or tuple(prompts) == asked.prompts, "the prompts are not those of the set"
    figures = score_pictures(pictures, prompts, reference, asked, first_seed)
    unheard = () if prompts is not None else ("r_precision", "following")
    return {figure.name: figure.as_json() for figure in figures if not figure.name.startswith(unheard)}


def unit_of(figure: str) -> str:
    """What a figure is counted in: "share" of pictures, or "none" where the number has no unit."""
    return "share" if about(figure).share else "none"


def better(figure: str) -> str:
    """Which way a figure is better: "higher", "lower" or "neither"."""
    kind, _, _ = parsed(figure)
    if kind in NEITHER:
        return "neither"
    return "lower" if kind in LOWER_IS_BETTER else "higher"
