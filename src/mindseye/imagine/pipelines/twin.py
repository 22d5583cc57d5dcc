"""A pipeline with some of its matrices replaced, beside the pipeline itself, which stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mindseye.learn.overlay import with_parameters


def matrix_of(pipeline: Any, matrix: str) -> Tensor:
    """A matrix by its name after the component that it is in: "unet/...", "text_encoder/...".

    Raises:
        LookupError, AttributeError: there is none.
    """
    component, _, name = matrix.partition("/")
    found: Tensor = pipeline.components[component].get_parameter(name)
    return found.detach()


def with_matrices(pipeline: Any, matrices: Mapping[str, Tensor]) -> Any:
    """A twin with these matrices, named as for `matrix_of`, in place of its own; all else is shared, not copied.

    Raises:
        ValueError: one has another shape.
    """
    by_component: dict[str, dict[str, Tensor]] = {}
    for matrix, value in matrices.items():
        component, _, name = matrix.partition("/")
        by_component.setdefault(component, {})[name] = value
    twin = copy.copy(pipeline)
    twin.register_modules(
        **{name: with_parameters(pipeline.components[name], weights) for name, weights in by_component.items()}
    )
    return twin
