"""The dataset card (README.md) of a prepared collection, in the form that Hugging Face tools read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def card(name: str, info: Mapping[str, Any]) -> str:
    """The card's text: a YAML header that names the splits' files, then counts, licence and attribution.

    Args:
        name: of the collection.
        info: as in `collection.json`; `pictures`, `captioned`, `captions`, `splits` and `excluded` are needed.
    """
    return "\n".join([*_header(name, info), "", *_body(name, info), ""])


def _header(name: str, info: Mapping[str, Any]) -> list[str]:
    lines = ["---", f"pretty_name: {json.dumps(name)}"]
    if licence := info.get("licence"):
        lines += ["license: other", f"license_name: {json.dumps(licence)}"]
    lines += ["task_categories:", "- text-to-image", "configs:", "- config_name: default", "  data_files:"]
    for split in info["splits"]:
        lines += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    return [*lines, "---"]


def _body(name: str, info: Mapping[str, Any]) -> list[str]:
    splits = ", ".join(f"{count} in {split}" for split, count in info["splits"].items())
    lines = [
        f"# {name}",
        "",
        f"{info['pictures']} pictures ({splits}), {info['captioned']} of them with {info['captions']} captions.",
        f"{len(info['excluded'])} files were left out; `collection.json` says which and why.",
        "Near-duplicates share a `group`, and no group is in both train and validation.",
        "",
        "Columns: `image` (PNG or lossless WebP), `text` (the first caption), `captions` (all of them), `file_name`,",
        "`concept`, `group`, `source` (where the captions came from); `truth` and `keywords` where there are any.",
    ]
    if licence := info.get("licence"):
        lines += ["", "## Licence", "", str(licence)]
    if attribution := info.get("attribution"):
        lines += ["", "## Attribution", "", *(f"- {line}" for line in attribution)]
    return [*lines, "", "Prepared with mindseye."]
