"""Features of pictures as every figure takes them: one row a picture, float64, checked once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from mindseye.errors import BadInput

Features = Float[Tensor, "picture width"] | Float[np.ndarray, "picture width"]

FEWEST = 10  # pictures on each side; an interval from fewer means nothing
_AT_ONCE = 512


def rows_of(features: Features, what: str, fewest: int = FEWEST) -> NDArray[np.float64]:
    """`features` as float64 rows.

    Args:
        features: of any float type, on any device.
        what: whose they are, for the message: "real", "generated", ...
        fewest: pictures that are needed.

    Raises:
        BadInput: they are not rows, not finite, or too few.
    """
    rows: NDArray[np.float64] = torch.as_tensor(features).detach().cpu().to(torch.float64).numpy()
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise BadInput(
            f"the features of the {what} pictures have the shape {list(rows.shape)}",
            why="one row of numbers a picture is needed",
            next_step="flatten them to [picture, width]",
        )
    if len(rows) < fewest:
        raise BadInput(
            f"{len(rows)} {what} pictures are too few",
            why=f"a figure needs at least {fewest}",
            next_step=f"give more {what} pictures",
        )
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(broken):
        raise BadInput(
            f"the features of {len(broken)} {what} pictures are not finite numbers, the first is picture {broken[0]}",
            why="no figure can be computed from them",
            next_step="look at that picture and at the encoder",
        )
    return rows


def two_sets(
    one: Features, other: Features, names: tuple[str, str] = ("real", "generated"), fewest: int = FEWEST
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64 rows of one width.

    Raises:
        BadInput: as `rows_of`, or their widths differ.
    """
    rows, others = rows_of(one, names[0], fewest), rows_of(other, names[1], fewest)
    if rows.shape[1] != others.shape[1]:
        raise BadInput(
            f"the features of the {names[0]} pictures have {rows.shape[1]} numbers, those of the {names[1]} "
            f"{others.shape[1]}",
            why="they come from different encoders",
            next_step="encode both with the same one",
        )
    return rows, others


def parts(count: int) -> Iterator[slice]:
    """Runs of rows that together are all `count` of them, so that memory stays bounded."""
    for start in range(0, count, _AT_ONCE):
        yield slice(start, min(start + _AT_ONCE, count))


def distances(
    one: Float[np.ndarray, "one width"], other: Float[np.ndarray, "other width"]
) -> Float[np.ndarray, "one other"]:
    """Euclidean distances, summed pair by pair, so that equal rows are at exactly 0 and equal pairs equally far."""
    mode = "donot_use_mm_for_euclid_dist"
    result: NDArray[np.float64] = torch.cdist(torch.from_numpy(one), torch.from_numpy(other), compute_mode=mode).numpy()
    return result
