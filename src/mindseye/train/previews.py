"""The sample sheet that grows with the training: the same prompts and seeds every time, from the averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mindseye.collection.collection import Split
from mindseye.files import written_aside
from mindseye.imagine.family import Settings
from mindseye.learn.batch import Words
from mindseye.pictures.sheet import contact_sheet
from mindseye.pictures.snap import snapped
from mindseye.pictures.tensors import from_model
from mindseye.train.machine import Machine


def preview_prompts(train: Split, held_out: Split | None, count: int) -> list[str]:
    """`count` captions for the sheet: the first half is trained on, the second is held back from the training."""
    unseen = count // 2 if held_out else 0
    return [*_spread(train, count - unseen), *(_spread(held_out, unseen) if held_out else ())]


def _spread(split: Split, count: int) -> list[str]:
    """First captions, evenly spread over the split, each concept at most once while there are others."""
    first_of = {concept: row for row, concept in reversed(list(enumerate(split.concepts)))}
    rows = sorted(first_of.values())
    spread = [rows[i * len(rows) // count] for i in range(count)]
    return [next(iter(split.captions[row]), "") for row in spread]


def draw_preview(
    model: Any,
    prompts: Sequence[str],
    words: Words,
    machine: Machine,
    palette: Sequence[str],
    path: Path,
    stop: Callable[[], int],
) -> list[NDArray[np.uint8]] | None:
    """Draws one picture a prompt, picture i with seed i, and writes them as one sheet to `path` (PNG).

    Pictures have the colours of `palette`, as those of the finished model will, unless it is empty. Asks `stop` after
    each sampling step, and gives up without a sheet when it says so.

    Returns:
        The pictures, [height, width, channel] each; None if the sheet was given up.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    with torch.no_grad(), machine.autocast():
        drawing = model.draw(words.to(torch.device(machine.device)), None, range(len(prompts)), Settings())
        pictures = next(drawing).pictures
        for progress in drawing:
            if stop():
                return None
            pictures = progress.pictures
    pixels = from_model(pictures)
    shown = list(snapped(pixels, palette) if palette else pixels)
    sheet = contact_sheet(shown, list(prompts))
    with written_aside(path) as aside:
        sheet.save(aside, format="PNG")
    return shown
