"""What a training looks at every few minutes, with its averaged weights: the loss on pictures held back, the sample
sheet, and the copies on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mindseye.train.checkpoint import Position
from mindseye.train.previews import draw_preview
from mindseye.train.run import RunFolder
from mindseye.train.setup import Ready
from mindseye.train.signals import StopRequest


def look(
    run: RunFolder,
    ready: Ready,
    model: Any,
    position: Position,
    stop: StopRequest,
    log: Callable[[str], None],
) -> None:
    """Takes the held-out loss, draws the sheet and counts its copies, each a stage with its event.

    Args:
        model: as it would be saved now.
        position: of the training; gets `held_out` and `copying`.
        stop: may end the drawing early; there is no sheet then.
        log: called with a line of text for people.

    Raises:
        Unavailable: the disk is full or refuses.
    """
    seen, machine = position.pictures_seen, ready.resolved.machine
    if ready.held_out:
        with run.stage("held_out", "looking at pictures held back") as fields:
            loss = ready.held_out.loss(model, ready.objectives, machine)
            fields.update(pictures_seen=seen, loss=loss, bytes=ready.held_out.bytes)
            position.held_out = loss if math.isfinite(loss) else None
    if ready.prompt_words is None:
        return
    path = run.samples / f"{seen:09d}.png"
    with run.stage("preview", "drawing the sheet of samples") as fields:
        drawn = draw_preview(
            model, ready.prompts, ready.prompt_words, machine, ready.palette, path, stop=lambda: stop.signal_number
        )
        size = path.stat().st_size if drawn else 0
        fields.update(pictures_seen=seen, path=f"samples/{path.name}", drawn=drawn is not None, bytes=size)
    if not drawn:
        return
    log(f"sample sheet: {path}")
    if ready.copying:
        with run.stage("copies", "looking for copies on the sheet") as fields:
            copies, position.copying = ready.copying.count(drawn)
            fields.update(pictures_seen=seen, copies=copies, pictures=len(drawn))
        if position.copying > ready.resolved.train.copies_allowed:
            log(
                f"{copies} of the sheet's {len(drawn)} pictures are copies of training pictures, so the training ends"
                " here: it would learn more of them by heart. More pictures would help; to go on all the same, say"
                " --set copies_allowed=1"
            )
