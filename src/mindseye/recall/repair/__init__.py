"""Models and runs that survive a damaged disk: any two of ten blocks that are lost or wrong are made again to the bit.

    blocks.py   an erasure code: 8 blocks of data, 2 of parity (zfec)
    record.py   what is protected and its digests, itself protected (Reed-Solomon, three copies)
    folder.py   a model or a run: protect it, check it, repair it

It costs a quarter of the weights' size, and needs the extra: `pip install 'mindseye[recall]'`.
"""

from __future__ import annotations

from mindseye.recall.repair.folder import Repaired, protect, repair, unprotect

__all__ = ["Repaired", "protect", "repair", "unprotect"]
