"""One prompt under many settings: a sheet over the values of any two fields of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.imagine.picture import Picture
from mindseye.imagine.request import Request
from mindseye.pictures.sheet import contact_sheet

LARGEST = 64  # pictures in a sheet
EDITS, NO_EDIT, AND = "edits", "none", "+"  # a value of the field edits is a name, several with + between, or none


@dataclass(frozen=True)
class Axis:
    """A field of a request and the values that it takes, as a person wrote them."""

    field: str
    values: tuple[str, ...]

    @staticmethod
    def parsed(text: str) -> Axis:
        """`guidance=1,3,5`; values with a comma in them are separated by `|`.

        Raises:
            BadInput: it is not written so.
        """
        field, _, values = text.partition("=")
        parts = tuple(part.strip() for part in values.split("|" if "|" in values else ","))
        if not field or not all(parts):
            raise BadInput(f"{text!r} is not an axis", next_step="write a field and its values, e.g. guidance=1,3,5")
        return Axis(field.strip(), parts)


def grid(
    imaginer: Imaginer,
    fields: Mapping[str, Any],
    x: Axis,
    y: Axis | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> list[list[Picture]]:
    """Draws one picture for each pair of values: rows by `y`, columns by `x`.

    Args:
        imaginer: draws.
        fields: of the request, besides the axes.
        x, y: the axes.
        log: called with a line for each picture.

    Raises:
        BadInput: a field is unknown, given twice or out of range, the model lacks it, or there are too many pictures.
    """
    axes = [axis for axis in (x, y) if axis]
    if len({axis.field for axis in axes} | fields.keys()) < len(axes) + len(fields):
        raise BadInput(f"{x.field} is given more than once", next_step="name each field once")
    rows = [[*((axis.field, value) for axis, value in zip(axes, values, strict=True))] for values in _pairs(x, y)]
    requests = [Request.of(**{**fields, **_as_fields(row)}, count=1) for row in rows]  # all, before the first is drawn
    if len(requests) > LARGEST:
        raise BadInput(f"{len(requests)} pictures are too many for one sheet", next_step=f"ask for {LARGEST} at most")
    pictures = []
    for row, request in zip(rows, requests, strict=True):
        pictures += imaginer.imagine(request)
        log(", ".join(f"{field} {value}" for field, value in row))
    width = len(x.values)
    return [pictures[begin : begin + width] for begin in range(0, len(pictures), width)]


def _as_fields(row: list[tuple[str, str]]) -> dict[str, Any]:
    named = {EDITS: lambda value: () if value == NO_EDIT else tuple(value.split(AND))}
    return {field: named.get(field, str)(value) for field, value in row}


def _pairs(x: Axis, y: Axis | None) -> list[tuple[str, ...]]:
    return [(across, down) for down in y.values for across in x.values] if y else [(across,) for across in x.values]


def grid_sheet(pictures: list[list[Picture]], x: Axis, y: Axis | None, title: str) -> Image.Image:
    """A page with each picture's values below it."""
    captions = [
        f"{x.field} {across}" + (f", {y.field} {down}" if y else "")
        for down in (y.values if y else ("",))
        for across in x.values
    ]
    return contact_sheet([each.pixels for row in pictures for each in row], captions, len(x.values), title=title)
