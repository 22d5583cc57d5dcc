"""Which tokens of a destination prompt a token of the source prompt stands for.

TIME gives each token of "a rose" the meaning that the same token has in "a blue rose". That is enough where a token
knows the words before it well, as those of CLIP do. The tokens of sentence encoders keep to themselves: there the blue
is in "blue", which the source lacks. So a token also stands for the words that the destination adds before it, as one
that says what they say together (`rows_for_all`); with `rows_for_same` it is as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput

# TIME's own: every pair is edited in these wordings, too
WORDINGS = ("{}", "a photo of {}", "an image of {}", "a picture of {}")


@dataclass(frozen=True)
class Read:
    """A prompt as a text encoder reads it.

    Attributes:
        ids: its tokens.
        tokens: what stands for each of them at the entrances of the model.
        sentence: what stands for all of it, where the model has an entrance for that.
        first, last: places of its first token and behind its last one that are words, not marks of begin and end.
    """

    ids: tuple[int, ...]
    tokens: Float[Tensor, "token in"]
    sentence: Float[Tensor, "in"] | None
    first: int
    last: int


def standing_for(source: Read, destination: Read, same: Callable[[int, int], bool]) -> list[list[int]]:
    """For each token of the source the places of the tokens of the destination that it stands for, its own the last.

    A word that the destination adds goes with the next token that both have; at the end, with the last word.

    Args:
        source, destination: one is the other with words left out.
        same: whether two tokens say the same ("a" and "an" do).

    Raises:
        BadInput: the destination lacks a token of the source.
    """
    groups: list[list[int]] = []
    waiting: list[int] = []
    place = 0
    for token in source.ids:
        while place < len(destination.ids) and not same(token, destination.ids[place]):
            waiting.append(place)
            place += 1
        if place == len(destination.ids) and same(token, destination.ids[-1]):  # padding, of which it has less
            place -= 1
        elif place == len(destination.ids):
            raise BadInput(
                "the destination must say all that the source says, in the same order, and more",
                why="TIME gives each word of the source the meaning that it has in the destination",
                next_step='write e.g. "a rose" "a blue rose"; for "a rose" "a tulip" use UCE or ReFACT',
            )
        if len(groups) == source.last and groups:  # behind the last word
            groups[-1][-1:-1], waiting = waiting, []
        groups.append([*waiting, place])
        waiting = []
        place += 1
    return groups


def last_standing_for(source: Read, destination: Read) -> list[int]:
    """The places of the tokens of the destination that the last word of the source stands for, in UCE: its last word,
    and before it the words that the source lacks."""
    last = destination.last - 1
    known = set(source.ids)
    added = [place for place in range(destination.first, last) if destination.ids[place] not in known]
    return [*added, last]


Rows = Callable[[Float[Tensor, "token in"], Sequence[int]], tuple[Tensor, Tensor]]


def rows_for_all(tokens: Float[Tensor, "token in"], places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """What stands for several tokens at once, as a key and as a value of attention: their mean is looked at as often as
    one of them, their sum gives what looking at all of them gives."""
    return tokens[list(places)].mean(0), tokens[list(places)].sum(0)


def rows_for_same(tokens: Float[Tensor, "token in"], places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The token's own, as in the papers."""
    return tokens[places[-1]], tokens[places[-1]]


def stacked(rows: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Keys and values of many."""
    keys, values = zip(*rows, strict=True)
    return torch.stack(keys), torch.stack(values)
