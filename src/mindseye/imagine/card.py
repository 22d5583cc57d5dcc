"""The model card: what a person should know before using a model, in Markdown."""

from __future__ import annotations

from mindseye.imagine.about import About
from mindseye.imagine.family import Family

CARD = """---
library_name: diffusers
pipeline_tag: text-to-image
tags: [mindseye, {family}]
---

# {name}
{sheet}
A text-to-picture model: {title}.
It draws {size} x {size} px {mode} pictures from short prompts.

```bash
mindseye imagine "{prompt}" --model path/to/this/folder
```

## How it was made

| | |
| --- | --- |
| trained on | {collection}: {pictures:,} pictures, {captions:,} captions |
| pictures seen | {seen:,} |
| time | {hours:.2f} hours on {machine} |
| text encoder | {encoder}, frozen (SHA-256 {encoder_sha:.12}…), not in this folder |
| versions | {versions} |

Every setting stands in `mindseye.json`.

## Limits

- It knows the words in `words.txt` from its own pictures; what it draws for others is a guess by the text encoder.
- It is small and was trained on {pictures:,} pictures: expect it to be best at what those show often, to be vague or
  wrong at what they show rarely, and to follow counts, positions and several objects in one prompt poorly.
- It may draw pictures close to those it was trained on. Look before you publish.
{licence}"""


def model_card(about: About, family: Family, *, has_sheet: bool) -> str:
    """The README.md of a model folder."""
    collection, training = about.collection, about.training
    terms = [text for text in (collection.licence, *collection.attribution) if text]
    return CARD.format(
        family=about.family,
        name=about.name,
        sheet="\n![what it drew](sheet.png)\n" if has_sheet else "",
        title=family.title,
        size=about.config["size_px"],
        mode="transparent" if about.config["channels"] == 4 else "opaque",
        prompt="a smiling cat",
        collection=collection.name,
        pictures=collection.pictures,
        captions=collection.captions,
        seen=training.pictures_seen,
        hours=training.hours,
        machine=training.machine,
        encoder=about.text_encoder.name,
        encoder_sha=about.text_encoder.sha256,
        versions=", ".join(f"{name} {version}" for name, version in about.versions.items()),
        licence="\n## The pictures it learnt from\n\n" + "\n\n".join(terms) + "\n" if terms else "",
    )
