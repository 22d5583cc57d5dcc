"""A network with some of its parameters replaced, beside the network itself, which stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def with_parameters(network: Network, parameters: Mapping[str, Tensor]) -> Network:
    """A twin with these parameters in place of its own of the same names; all others are shared, not copied.

    Raises:
        KeyError: it has no parameter of such a name.
        ValueError: one has another shape.
    """
    own = dict(network.named_parameters())
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    for name, value in parameters.items():
        if value.shape != own[name].shape:
            raise ValueError(f"{name} has shape {list(own[name].shape)}, not {list(value.shape)}")
        home, _, leaf = name.rpartition(".")
        setattr(twin.get_submodule(home), leaf, nn.Parameter(value.to(own[name]), requires_grad=False))
    return twin
