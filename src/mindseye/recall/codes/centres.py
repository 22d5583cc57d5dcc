"""Hash centres: one target code a class, as far from each other as can be (Yuan et al. 2020, CSQ, arXiv 1908.00347).

The rows of a Hadamard matrix differ from each other in exactly half of their bits, and from the negated rows in half or
all: 2K codes of K bits with a minimum distance of K/2, which no code of K bits can better (Plotkin 1960). A code of a
picture with fewer than K/4 wrong bits is still nearest to the centre of its own class.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int8

from mindseye.errors import BadInput
from mindseye.randomness import rng_at


def hadamard(order: int) -> Int8[np.ndarray, "order order"]:
    """Sylvester's matrix of -1 and 1 with H H' = order I: H_2n = [[H_n, H_n], [H_n, -H_n]] (Sylvester 1867).

    Raises:
        BadInput: `order` is no power of 2.
    """
    if order < 1 or order & (order - 1):
        raise BadInput(f"there is no Sylvester matrix of order {order}", why="its order is a power of 2")
    matrix = np.ones((1, 1), np.int8)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def hash_centres(classes: int, bits: int) -> Int8[np.ndarray, "class bit"]:
    """Centres of -1 and 1, the first rows of [H; -H].

    Args:
        classes: 1 to 2 * bits.
        bits: a power of 2.

    Raises:
        BadInput: so many centres with this distance do not exist.
    """
    matrix = hadamard(bits)
    if not 1 <= classes <= 2 * bits:
        raise BadInput(
            f"{classes} centres of {bits} bits cannot all be {bits // 2} bits apart",
            why=f"there are at most {2 * bits}",
            next_step="use more bits",
        )
    return np.concatenate([matrix, -matrix])[:classes]


def class_centres(classes: int, bits: int, seed: int) -> Int8[np.ndarray, "class bit"]:
    """Centres for any number of classes: hash centres as far as they go, drawn ones after them.

    Those that are drawn have as many 1s as -1s. No distance between them is promised: codes far from each other are
    few, and a collection may have more labels than there are.

    Args:
        classes: 1 or more, the most important first.
        bits: a power of 2.
        seed: of those that are drawn.

    Raises:
        BadInput: `bits` is no power of 2.
    """
    first = hash_centres(min(classes, 2 * bits), bits)
    rng = rng_at(seed, "class centres")
    halves = np.repeat(np.array([-1, 1], np.int8), bits // 2)
    drawn = rng.permuted(np.tile(halves, (classes - len(first), 1)), axis=1)
    return np.concatenate([first, drawn])
