"""Letters can be read, light and dark: the contrast that WCAG 2.2 asks for at level AA, 4.5 to 1."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

LEAST = 4.5
# What stands on what, by the names of the style sheet.
PAIRS = [
    *((letters, ground) for letters in ("ink", "soft") for ground in ("page", "card", "tint", "flag")),
    ("accent", "page"),
    ("accent", "card"),
    ("on-accent", "accent"),
]


def colours(selector: str) -> dict[str, str]:
    """The colours that the studio's style sheet names in its block for light, or for dark."""
    css = files("mindseye.serve.studio").joinpath("page", "studio.css").read_text(encoding="utf-8")
    [block] = re.findall(rf"^{re.escape(selector)} \{{(.*?)\}}", css, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"--([\w-]+): #(\w{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour "rrggbb" (WCAG 2.2)."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("selector", [":root", ".dark"])
def test_letters_stand_out_from_what_they_are_on(selector: str) -> None:
    named = colours(selector)
    found = {pair: round(contrast(named[pair[0]], named[pair[1]]), 2) for pair in PAIRS}
    assert not {pair: ratio for pair, ratio in found.items() if ratio < LEAST}


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
