"""The table of all that can be trained, by the names that `mindseye train` knows."""

from __future__ import annotations

from mindseye.errors import BadInput
from mindseye.imagine import families
from mindseye.learn.learner import Learner

NAMES = (*families.NAMES, *families.ON_PIPELINES, "damsm", "sentences", families.FROM_FRAMES)


def learner(name: str) -> Learner:
    """The learner called `name`: a family of models that draw, a matcher of pictures and words, a model of captions, or
    a predictor of frames.

    Raises:
        BadInput: there is none.
    """
    if name == "damsm":
        from mindseye.observe import damsm

        return damsm.LEARNER
    if name == "sentences":
        from mindseye.observe import sentences

        return sentences.LEARNER
    if name == families.FROM_FRAMES:
        from mindseye.imagine import frames

        return frames.LEARNER
    if name in (*families.NAMES, *families.ON_PIPELINES):
        return families.family(name)
    raise BadInput(f"there is nothing called {name!r} to train", next_step=f"choose one of {', '.join(NAMES)}")
