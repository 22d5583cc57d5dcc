"""The one closed form behind TIME (Orgad et al. 2023, Eq. 3) and UCE (Gandikota et al. 2024, Eq. 7).

The new matrix W' minimises

    sum_i s_i |W' c_i - v_i|^2  +  p sum_j |W' a_j - W a_j|^2  +  h E|W' x - W x|^2  +  lambda |W' - W|^2

over inputs c_i that are to give v_i, inputs a_j that are to give what they gave, and x that come in as a rule (h is 0
in the papers). With rows for inputs,

    W' = W + (V - C W^T)^T S C A^-1,     A = lambda I + C^T S C + p P^T P + h E[x x^T].

A depends on the inputs only, so it is factored once for all matrices that have them, and S C A^-1 is the right factor
of every one's change; the left factor is what each lacks. All of it in float64: in float32 the inverse is off in the
fourth digit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mindseye.errors import BadInput
from mindseye.imagine.edits import Layer


@dataclass(frozen=True)
class Inputs:
    """What matrices with one common input are to be changed for.

    Attributes:
        keys: the inputs that are to give something else.
        preserve: those that are to give what they gave.
        held: h E[x x^T] of what comes in as a rule; None where h is 0.
    """

    keys: Float[Tensor, "key in"]
    preserve: Float[Tensor, "kept in"]
    held: Float[Tensor, "in in"] | None = None


def right_factor(
    inputs: Inputs, lam: float, scale: float = 1.0, preserve_scale: float = 1.0
) -> Float[Tensor, "key in"]:
    """S C A^-1 by Cholesky's decomposition, float64.

    Args:
        inputs: as above.
        lam: weight of staying as it is, above 0; larger changes less.
        scale, preserve_scale: s and p.

    Raises:
        BadInput: `lam` is not above 0.
    """
    if not lam > 0:
        raise BadInput(f"lambda cannot be {lam:g}", next_step="give a number above 0: TIME has 0.1, UCE 0.5")
    keys, kept = inputs.keys.double(), inputs.preserve.double()
    A = lam * torch.eye(keys.shape[1], dtype=torch.float64) + scale * keys.T @ keys + preserve_scale * kept.T @ kept
    if inputs.held is not None:
        A += inputs.held
    right: Tensor = scale * torch.cholesky_solve(keys.T, torch.linalg.cholesky(A)).T
    return right


def change(
    weight: Float[Tensor, "out in"],
    values: Float[Tensor, "key out"],
    keys: Float[Tensor, "key in"],
    right: Float[Tensor, "key in"],
) -> Layer:
    """The change of one matrix, given the right factor of its inputs; the factors in float64.

    Args:
        weight: W.
        values: what each key is to give, v_i.
        keys: the inputs, c_i.
        right: from `right_factor`.
    """
    lacking = values.double() - keys.double() @ weight.double().T
    return Layer(lacking.T, right, keys)
