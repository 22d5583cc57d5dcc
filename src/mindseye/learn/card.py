"""The model card: what a person should know before using a model, in Markdown."""

from __future__ import annotations

from mindseye.learn.about import About
from mindseye.learn.learner import Learner

CARD = """---
library_name: {library}
pipeline_tag: {tag}
tags: [mindseye, {family}]
---

# {name}
{sheet}
{title}.
{does}

```bash
{usage}
```

## How it was made

| | |
| --- | --- |
| trained on | {collection}: {pictures:,} pictures, {captions:,} captions |
| pictures seen | {seen:,} |
| time | {hours:.2f} hours on {machine} |
| text encoder | {reads_with} |
| versions | {versions} |

Every setting stands in `mindseye.json`.

## Limits

{limits}
{licence}"""


def model_card(about: About, learner: Learner, *, has_sheet: bool) -> str:
    """The README.md of a model folder."""
    collection, training = about.collection, about.training
    terms = [text for text in (collection.licence, *collection.attribution) if text]
    return CARD.format(
        family=about.family,
        name=about.name,
        sheet="\n![what it drew](sheet.png)\n" if has_sheet else "",
        title=learner.title,
        library=learner.card.library,
        tag=learner.card.tag,
        does=learner.card.does.format(
            size=about.config["size_px"], mode="transparent" if about.config["channels"] == 4 else "opaque"
        ),
        usage=learner.card.usage,
        limits="\n".join(f"- {limit.format(pictures=collection.pictures)}" for limit in learner.card.limits),
        collection=collection.name,
        pictures=collection.pictures,
        captions=collection.captions,
        seen=training.pictures_seen,
        hours=training.hours,
        machine=training.machine,
        reads_with=learner.card.reads_with.format(encoder=about.text_encoder.name, sha256=about.text_encoder.sha256),
        versions=", ".join(f"{name} {version}" for name, version in about.versions.items()),
        licence="\n## The pictures it learnt from\n\n" + "\n\n".join(terms) + "\n" if terms else "",
    )
