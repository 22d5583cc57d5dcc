"""The packages that some of this needs and most does not, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mindseye.errors import Unavailable


def optional(module: str, extra: str = "recall") -> Any:
    """An optional module.

    Raises:
        Unavailable: it is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError:
        raise Unavailable(f"{module} is not installed", next_step=f"pip install 'mindseye[{extra}]'") from None
