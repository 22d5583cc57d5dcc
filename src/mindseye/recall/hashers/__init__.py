"""Hashers: features of pictures and words to binary codes in one space.

    hasher.py            what a hasher can do, and what it learns from
    random_codes.py      chance
    sign_projection.py   the signs of random projections, which learn nothing of pairs
    cca_itq.py           canonical correlations, rotated for their signs: the default
    lemon.py             codes of labels and regressions to them, from running sums
    towers.py            two small networks, which the following train
    csq.py               to the hash centres of what is shown
    orthohash.py         by a classifier whose classes are fixed codes
    dsph.py              to proxies of labels, which are learnt too
    ucch.py              by contrast of pairs, without labels
    multigrain.py        to a similarity of pairs and neighbourhoods that learns with them, without labels
    fusion.py            DSPH's objective over wide features: the whole and its parts
    ecc_snap.py          CCA-ITQ's codes, drawn to the words of an error-correcting code
    vtph.py              tokens, prompts from the other kind, and a head over both; with vtph_network.py, vtph_losses.py
                         and vtph_rows.py
    memory.py            earlier pairs, a sample of them, for towers that go on learning
    folder.py            on disk

A method is one file with a function that fits it. `FITS` names them all, `SUPERVISED` those that need labels,
`READS` those that read other features than the plain ones, and which, `SLOW` those that are fitted only when named,
`KEPT` those that `save_hasher` writes and a search can use; the `update` of all of these goes on learning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mindseye.recall.hashers.cca_itq import fit_cca_itq
from mindseye.recall.hashers.csq import fit_csq
from mindseye.recall.hashers.dsph import fit_dsph
from mindseye.recall.hashers.ecc_snap import fit_ecc_snap, fit_ecc_snap_bch
from mindseye.recall.hashers.folder import load_hasher, save_hasher
from mindseye.recall.hashers.fusion import fit_fusion
from mindseye.recall.hashers.hasher import (
    DEFAULT_BITS,
    Hasher,
    JointHasher,
    Pairs,
    encode_pictures,
    encode_words,
)
from mindseye.recall.hashers.lemon import fit_lemon
from mindseye.recall.hashers.multigrain import fit_multigrain
from mindseye.recall.hashers.orthohash import fit_orthohash
from mindseye.recall.hashers.random_codes import RandomCodes, fit_random_codes
from mindseye.recall.hashers.sign_projection import fit_sign_projection
from mindseye.recall.hashers.ucch import fit_ucch
from mindseye.recall.hashers.vtph import Vtph, fit_vtph, fit_vtph_published

__all__ = [
    "DEFAULT_BITS",
    "FITS",
    "KEPT",
    "READS",
    "SLOW",
    "SUPERVISED",
    "Hasher",
    "JointHasher",
    "Pairs",
    "RandomCodes",
    "Vtph",
    "encode_pictures",
    "encode_words",
    "fit_cca_itq",
    "fit_csq",
    "fit_dsph",
    "fit_ecc_snap",
    "fit_ecc_snap_bch",
    "fit_fusion",
    "fit_lemon",
    "fit_multigrain",
    "fit_orthohash",
    "fit_random_codes",
    "fit_sign_projection",
    "fit_ucch",
    "fit_vtph",
    "fit_vtph_published",
    "load_hasher",
    "save_hasher",
]


class Fit(Protocol):
    """Pairs, bits of a code and a seed to a hasher."""

    def __call__(self, pairs: Pairs, bits: int, seed: int = 0) -> Hasher: ...


FITS: dict[str, Fit] = {
    "random": fit_random_codes,
    "sign_projection": fit_sign_projection,
    "cca_itq": fit_cca_itq,
    "lemon": fit_lemon,
    "csq": fit_csq,
    "orthohash": fit_orthohash,
    "dsph": fit_dsph,
    "ucch": fit_ucch,
    "multigrain": fit_multigrain,
    "fusion": fit_fusion,
    "ecc_snap": fit_ecc_snap,
    "ecc_snap_bch": fit_ecc_snap_bch,
    "vtph": fit_vtph,
    "vtph_published": fit_vtph_published,
}
SUPERVISED = ("lemon", "csq", "orthohash", "dsph", "fusion", "vtph", "vtph_published")
READS = {"fusion": "wide", "vtph": "companions", "vtph_published": "own pictures"}
SLOW = ("vtph", "vtph_published")
KEPT: dict[str, Callable[[Pairs, int], JointHasher | Vtph]] = {
    "cca_itq": fit_cca_itq,
    "lemon": fit_lemon,
    "csq": fit_csq,
    "orthohash": fit_orthohash,
    "dsph": fit_dsph,
    "ucch": fit_ucch,
    "multigrain": fit_multigrain,
    "fusion": fit_fusion,
    "vtph": fit_vtph,
}
