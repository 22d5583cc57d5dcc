"""Fusion: what a picture and a caption are as a whole, and their parts, in one code.

A stand-in for MDFFH (Ren and Xu 2024), whose formulas and code are not public: its idea, features of local and of
global networks in one, over what the frozen encoders have. A picture is its pooled features and all seven stages of the
convolutional network below them; a caption is its sentence vector and the strongest of its tokens, pairs and threes
(`mindseye.recall.features.wide`). Two towers read both together; the objective is that of DSPH.
"""

from __future__ import annotations

from mindseye.recall.hashers.dsph import Dsph
from mindseye.recall.hashers.hasher import JointHasher, Pairs
from mindseye.recall.hashers.towers import Settings, fit_towers

SETTINGS = Settings()


def fit_fusion(pairs: Pairs, bits: int, seed: int = 0, settings: Settings = SETTINGS) -> JointHasher:
    """The hasher.

    Args:
        pairs: captioned pictures with labels, of wide features.
        bits: of a code.
        seed: of the training.
        settings: of the training.

    Raises:
        BadInput: there are no labels.
    """
    return fit_towers("fusion", pairs.captioned(), bits, lambda own: Dsph(own.labelled(), bits, seed), settings, seed)
