"""TIME and UCE: what each asks of the solver. Both give a change for every entrance of a model.

TIME (Orgad et al. 2023) moves every token of the source, in four wordings, to what it means in the destination. UCE
(Gandikota et al. 2024) moves only the last word of a concept, any number of concepts at once, and holds others where
they are. Editing, erasing and moderating differ in the destination only: another concept, for a style the plain "art",
`NOTHING` in particular.

Inputs resemble each other: a quarter of every sentence vector is the mean of all of them. So a change for one is a
change for all, by as much as they have in common. `held_of` therefore adds to what the papers minimise how much is
changed for captions of all kinds, which makes the change look for what is the concept's own, as ReFACT's C does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mindseye.correct.entrances import SENTENCE, TOKENS, Entered, Entrance
from mindseye.correct.prompts import WORDINGS, Read, last_standing_for, stacked, standing_for
from mindseye.correct.solver import Inputs, change, right_factor
from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer

TIME_LAMBDA, UCE_LAMBDA = 0.1, 0.5  # of the papers
HOLD = 0.3  # weight of what captions of all kinds give; 0 in the papers
NOTHING = ""  # in particular: UCE's destination for what is to be erased or moderated

Pair = tuple[str, str]
Held = Mapping[str, Tensor]
NOT_HELD: Held = {}


@dataclass(frozen=True)
class Asked:
    """What the maps that take one kind of input are to give.

    Attributes:
        inputs: the keys, and what is preserved.
        as_keys, as_values: inputs for which the map, as it was, gives what is wanted of its key and its value rows.
    """

    inputs: Inputs
    as_keys: Tensor
    as_values: Tensor

    def values(self, entrance: Entrance) -> Tensor:
        """v_i, what each key is to give."""
        weight, begin = entrance.weight.detach().cpu().double(), entrance.values_from
        keys, values = self.as_keys.double() @ weight[:begin].T, self.as_values.double() @ weight[begin:].T
        return torch.cat([keys, values], dim=1)


def held_of(model: Entered, captions: Sequence[str], hold: float = HOLD) -> Held:
    """h E[x x^T] of what comes in for captions of all kinds, by what an entrance takes; none where h is 0.

    Args:
        model: what is corrected.
        captions: of all kinds of things, a hundred or so.
        hold: h.
    """
    if not hold or not captions:
        return {}
    reads = model.read(captions)
    inputs = {TOKENS: [read.tokens for read in reads]}
    if sentences := [read.sentence[None] for read in reads if read.sentence is not None]:
        inputs[SENTENCE] = sentences
    every = {takes: torch.cat(some).double() for takes, some in inputs.items()}
    return {takes: hold * some.T @ some / len(some) for takes, some in every.items()}


def time(
    model: Entered, pairs: Sequence[Pair], *, preserve: Sequence[str] = (), lam: float = TIME_LAMBDA,
    held: Held = NOT_HELD,
) -> dict[str, Layer]:  # fmt: skip
    """The changes that give each source the meaning of its destination.

    Args:
        model: what is corrected.
        pairs: (source, destination) prompts; a destination says all that its source says, and more.
        preserve: prompts that are to mean what they mean; the paper has none.
        lam: weight of staying as it is.
        held: what is held of all else; the paper has none.

    Returns:
        For the name of each matrix its change, rank at most the number of tokens.

    Raises:
        BadInput: a pair is not of that kind, or `lam` is not above 0.
    """
    worded = [tuple(wording.format(prompt) for prompt in pair) for pair in pairs for wording in WORDINGS]
    sources, destinations = (model.read([pair[side] for pair in worded]) for side in (0, 1))
    keys, targets = [], []
    for source, destination in zip(sources, destinations, strict=True):
        for place, group in enumerate(standing_for(source, destination, model.same)):
            keys.append(source.tokens[place])
            targets.append(model.rows(destination.tokens, group))
    return solved(model, keys, targets, whole_prompts(sources, destinations), preserve, lam, held)


def uce(
    model: Entered, pairs: Sequence[Pair], *, preserve: Sequence[str] = (), lam: float = UCE_LAMBDA,
    held: Held = NOT_HELD, scale: float = 1.0, preserve_scale: float = 1.0,
) -> dict[str, Layer]:  # fmt: skip
    """The changes that give the last word of each source the meaning of its destination, all of them at once.

    Args:
        model: what is corrected.
        pairs: (concept, what it is to be) prompts of any kind; `NOTHING` erases the concept.
        preserve: prompts that are to mean what they mean.
        lam: weight of staying as it is.
        held: what is held of all else; the paper has none.
        scale, preserve_scale: weights of the concepts and of what is preserved.

    Returns, Raises: as `time`.
    """
    if not all(source.strip() for source, _ in pairs):
        raise BadInput("an empty prompt cannot be corrected", next_step="say what is to be drawn otherwise")
    sources, destinations = (model.read([pair[side] for pair in pairs]) for side in (0, 1))
    keys = [source.tokens[source.last - 1] for source in sources]
    targets = [
        model.rows(destination.tokens, last_standing_for(source, destination))
        for source, destination in zip(sources, destinations, strict=True)
    ]
    whole, scales = whole_prompts(sources, destinations), (scale, preserve_scale)
    return solved(model, keys, targets, whole, preserve, lam, held, scales)


def whole_prompts(sources: Sequence[Read], destinations: Sequence[Read]) -> list[tuple[Tensor, Tensor]]:
    """(what stands for a source as a whole, for its destination), where the model has an entrance for that."""
    return [
        (source.sentence, destination.sentence)
        for source, destination in zip(sources, destinations, strict=True)
        if source.sentence is not None and destination.sentence is not None and destination.ids
    ]


def solved(
    model: Entered,
    keys: Sequence[Tensor],
    targets: Sequence[tuple[Tensor, Tensor]],
    sentences: Sequence[tuple[Tensor, Tensor]],
    preserve: Sequence[str],
    lam: float,
    held: Held = NOT_HELD,
    scales: tuple[float, float] = (1.0, 1.0),
) -> dict[str, Layer]:
    """The change of every entrance.

    Args:
        model: what is corrected.
        keys: tokens that are to give something else.
        targets: for each the token that gives what is wanted, of keys and of values of attention.
        sentences: (now, wanted) of whole prompts.
        preserve: prompts that are to mean what they mean.
        lam: weight of staying as it is.
        held: what is held of all else.
        scales: weights of what is corrected and of what is preserved.
    """
    kept = model.read(preserve) if preserve else []
    asked = {TOKENS: Asked(_inputs(keys, [read.tokens for read in kept], held.get(TOKENS)), *stacked(targets))}
    if sentences:
        now, wanted = stacked(sentences)
        whole = [read.sentence[None] for read in kept if read.sentence is not None]
        asked[SENTENCE] = Asked(_inputs(list(now), whole, held.get(SENTENCE)), wanted, wanted)
    right = {takes: right_factor(each.inputs, lam, *scales) for takes, each in asked.items()}
    layers = {}
    for entrance in model.entrances:
        if entrance.takes in asked:
            each = asked[entrance.takes]
            weight = entrance.weight.detach().cpu()
            layers[entrance.matrix] = change(weight, each.values(entrance), each.inputs.keys, right[entrance.takes])
    return layers


def _inputs(keys: Sequence[Tensor], kept: Sequence[Tensor], held: Tensor | None) -> Inputs:
    return Inputs(torch.stack(list(keys)), torch.cat([keys[0].new_zeros(0, len(keys[0])), *kept]), held)
