"""A mirror of the progress for TensorBoard, for those who asked for it and installed the extra `track`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mindseye.errors import Unavailable
from mindseye.train.progress import TrainingProgress

CURVES = ("loss", "learning_rate", "gradient_norm", "pictures_per_second")


def tensorboard(folder: Path) -> Callable[[TrainingProgress], None]:
    """What to call with each progress; the curves, over pictures seen, go to `folder`.

    Raises:
        Unavailable: the package is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise Unavailable(
            "tensorboard was asked for and is not installed", next_step="pip install 'mindseye[track]'"
        ) from None
    writer = SummaryWriter(str(folder))

    def mirror(progress: TrainingProgress) -> None:
        for curve in CURVES:
            writer.add_scalar(curve, getattr(progress, curve), progress.pictures_seen)
        writer.flush()

    return mirror
