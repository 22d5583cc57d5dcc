"""Which pictures are for training and which for validation: decided by content, so that it stays decided.

A group of near-duplicates goes to one side as a whole, by a hash of its key, and its key is the smallest SHA-256 among
its pictures. So adding, removing or renaming pictures moves no others. Two cases need the earlier split to keep that
promise: a near-duplicate added to a group may change its key, and in a small collection where no group hashed to
validation one was put there all the same. Where a collection is prepared again in the same place, `settled` is that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

VALIDATION_SHARE = 0.05
ALWAYS_VALIDATED = 20  # from so many pictures on, at least one group is for validation


def group_keys(digests: Sequence[str], groups: Sequence[int]) -> list[str]:
    """The key of each picture's group: the smallest digest in it, its first 16 hexadecimal digits.

    Args:
        digests: SHA-256 of each picture.
        groups: a label for each picture, the same within a group.
    """
    smallest: dict[int, str] = {}
    for digest, group in zip(digests, groups, strict=True):
        smallest[group] = min(digest, smallest.get(group, digest))
    return [smallest[group][:16] for group in groups]


def assign(
    digests: Sequence[str], keys: Sequence[str], share: float = VALIDATION_SHARE, *, settled: Mapping[str, str]
) -> list[str]:
    """ "train" or "validation" for each picture; groups never straddle.

    Args:
        digests: SHA-256 of each picture.
        keys: the key of each picture's group.
        share: of the groups that are for validation, 0 to 1.
        settled: group keys of an earlier collection and the split they were in. A group with such a picture stays
            there; one that has come to join both sides is for training, since its pictures may have been learned.
    """
    sides = {key: "validation" if _position(key) < share else "train" for key in keys}
    earlier: dict[str, set[str]] = {}
    for digest, key in zip(digests, keys, strict=True):
        if digest[:16] in settled:
            earlier.setdefault(key, set()).add(settled[digest[:16]])
    sides |= {key: "train" if "train" in was else "validation" for key, was in earlier.items()}
    movable = [key for key in sides if key not in earlier]
    enough = share > 0 and len(keys) >= ALWAYS_VALIDATED and len(sides) > 1
    if enough and movable and "validation" not in sides.values():
        sides[min(movable, key=_position)] = "validation"
    return [sides[key] for key in keys]


def _position(key: str) -> float:
    """Where a group stands between 0 and 1, evenly spread."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
