"""Checked settings: one way from what a person wrote to a frozen pydantic object, with errors that teach."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mindseye.errors import BadInput

Config = TypeVar("Config", bound=BaseModel)


def checked(config: type[Config], values: Mapping[str, Any], prefix: str = "") -> Config:
    """`values` as a `config`.

    Args:
        config: the frozen pydantic class.
        values: what to set.
        prefix: "model." where the settings are named so on the command line.

    Raises:
        BadInput: naming the setting, its value, what is allowed, and for an unknown one the nearest name.
    """
    for key in values:
        if key not in config.model_fields:
            raise unknown_key(prefix + key, [prefix + name for name in config.model_fields], "settings")
    try:
        return config.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        about = config.model_fields[name].description if name in config.model_fields else ""
        raise BadInput(
            f"{prefix}{name} cannot be {shown(first['input'])}" if name else "these settings do not fit together",
            why=first["msg"].removeprefix("Value error, "),
            next_step=f"{prefix}{name}: {about}" if about else "",
            field=name,
        ) from None


def shown(value: object, most: int = 80) -> str:
    """A value as an error shows it: its beginning, if it is long."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def unknown_key(key: str, known: Iterable[str], where: str) -> BadInput:
    """The error for a key that does not exist, with the nearest that does."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
    return BadInput(f"there is no setting {key!r}", why=f"given in {where}", next_step=hint, field=key)
