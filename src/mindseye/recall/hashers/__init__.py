"""Hashers: features of pictures and words to binary codes in one space.

    hasher.py            what a hasher can do, and what it learns from
    random_codes.py      chance
    sign_projection.py   the signs of random projections, which learn nothing of pairs
    cca_itq.py           canonical correlations, rotated for their signs: the default
    folder.py            on disk

A method is one file with a function that fits it; `FITS` names them all.
"""

from __future__ import annotations

from collections.abc import Callable

from mindseye.recall.hashers.cca_itq import fit_cca_itq
from mindseye.recall.hashers.folder import load_hasher, save_hasher
from mindseye.recall.hashers.hasher import DEFAULT_BITS, Hasher, LinearHasher, Pairs, encode_pictures, encode_words
from mindseye.recall.hashers.random_codes import RandomCodes, fit_random_codes
from mindseye.recall.hashers.sign_projection import fit_sign_projection

__all__ = [
    "DEFAULT_BITS",
    "FITS",
    "Hasher",
    "LinearHasher",
    "Pairs",
    "RandomCodes",
    "encode_pictures",
    "encode_words",
    "fit_cca_itq",
    "fit_random_codes",
    "fit_sign_projection",
    "load_hasher",
    "save_hasher",
]

FITS: dict[str, Callable[[Pairs, int], Hasher]] = {
    "random": fit_random_codes,
    "sign_projection": fit_sign_projection,
    "cca_itq": fit_cca_itq,
}
