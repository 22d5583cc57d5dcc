"""Drawing in groups, side by side: every pass has the same number of rows, so that the bytes of a picture do not depend
on how many are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from mindseye.imagine.family import Progress
from mindseye.learn.side_by_side import side_by_side

ON_A_CARD = 16  # pictures that a graphics card draws in one pass; a core of a processor draws one, unless it pays

Rows = list[int]  # which picture each row of a pass is; the last one fills up what would be left empty


def rows_of_a_pass(device: torch.device, at_once: int = 1) -> int:
    """How many pictures are drawn in one pass; always this many rows.

    Args:
        at_once: on a processor, a core each: more than one where one costs as much as all of them.
    """
    return at_once if device.type == "cpu" else ON_A_CARD


def groups(count: int, rows: int) -> list[tuple[range, Rows]]:
    """The pictures 0 to count - 1 in passes of `rows`: for each the pictures it draws, and its rows."""
    parts = [range(begin, min(begin + rows, count)) for begin in range(0, count, rows)]
    return [(part, [*part, *[part[-1]] * (rows - len(part))]) for part in parts]


def draw_in_groups(
    drawing: Callable[[Rows], Iterator[Tensor]],
    *,
    count: int,
    shape: Sequence[int],
    steps: int,
    device: torch.device,
    at_once: int = 1,
) -> Iterator[Progress]:
    """Draws `count` pictures.

    Args:
        drawing: for the rows of a pass their pictures after each step, the finished ones last: float32 [row, channel,
            height, width] in [-1, 1].
        shape: channel, height, width.
        steps: how many a drawing has.
        device: where it happens.
        at_once: as for `rows_of_a_pass`.

    Yields:
        `Progress` after each step of each group. Pictures not begun are blank (-1).
    """
    passes = groups(count, rows_of_a_pass(device, at_once))
    pictures = torch.full((count, *shape), -1.0, device=device)
    drawings = [partial(drawing, rows) for _, rows in passes]
    for step, (which, drawn) in enumerate(side_by_side(drawings, device), start=1):
        part, _ = passes[which]
        pictures[part.start : part.stop] = drawn[: len(part)]
        yield Progress(step, len(passes) * steps, pictures.clone())
