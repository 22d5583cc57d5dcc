"""`mindseye collect`: from any source of captioned pictures to a prepared collection."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np

from mindseye.collection.by_hand import LIST, ByHand
from mindseye.collection.captions import MOST, Texts
from mindseye.collection.cleaning import near_duplicates
from mindseye.collection.collection import (
    Collection,
    Example,
    is_prepared,
    open_prepared,
    refuse_foreign_folder,
    write_collection,
)
from mindseye.collection.prepare import LONGEST_EDGE_PX, Prepared, prepare
from mindseye.collection.readers import LOOKED_FOR, Excluded, Found, contents, has_no_captions, open_source
from mindseye.collection.split import VALIDATION_SHARE, assign, group_keys
from mindseye.errors import BadInput
from mindseye.pictures.opener import open_picture
from mindseye.pictures.palette import looks_like_pixel_art
from mindseye.wording import counted

SUGGESTED_SIZES_PX = (16, 20, 24, 32, 48, 64)  # larger ones are trained only when asked for
NO_CAPTION = "no caption"
_AT_ONCE = 64  # pictures handed to the threads together
_PALETTE_SAMPLE = 200  # pictures looked at to tell pixel art
_LOG_EVERY = 1_000

Log = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass
class _Reading:
    """What came of reading a source."""

    prepared: list[Prepared] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    found: int = 0
    captioned: int = 0


@dataclass
class _Picture:
    """A picture with what its exact copies add to it."""

    prepared: Prepared
    captions: tuple[str, ...]
    concept: str
    keywords: tuple[str, ...]
    copies: list[str] = field(default_factory=list)


def collect(
    source: str | Path,
    destination: str | Path,
    *,
    captions: Literal["required", "none"] = "required",
    validation: float = VALIDATION_SHARE,
    licence: str = "",
    attribution: str = "",
    log: Log = _silent,
) -> Collection:
    """Reads pictures and captions, cleans them, splits them and writes a prepared collection.

    A file that cannot be used is left out and listed in `info["excluded"]`; the source is never changed.

    Args:
        source: a folder, zip file, Parquet file or folder of them, `pokemon-creation:FOLDER`, or a `datasets` name
            (owner/name).
        destination: the folder to make. A prepared collection there is replaced; its split is kept, and so is what a
            person left out or captioned anew in it.
        captions: "required" leaves out pictures without one; "none" keeps all pictures and no caption.
        validation: share of the groups of near-duplicates that is for validation, 0 to 0.5.
        licence, attribution: recorded in the collection and its dataset card.
        log: called with a line of progress now and then.

    Raises:
        BadInput: the source is missing or unusable, no picture has a caption, nothing is left, or `destination`
            is something else than a prepared collection.
        Unavailable: a `datasets` name cannot be loaded, or the disk refuses.
    """
    destination = Path(destination)
    refuse_foreign_folder(destination)
    if captions not in ("required", "none"):
        raise BadInput(f"captions={captions!r} is not known", next_step='use "required" or "none"')
    if not 0 <= validation <= 0.5:
        raise BadInput(f"validation={validation} is out of range", next_step="use a share from 0 to 0.5")
    settled = _earlier_split(destination, log)

    began = time.perf_counter()
    captions_required = captions == "required" and not has_no_captions(source)
    reading = _read(source, captions_required, log)
    _refuse_if_useless(source, reading, captions_required)
    cleaning_began = time.perf_counter()
    log(f"read {len(reading.prepared):,} of {counted(reading.found, 'picture')} in {cleaning_began - began:.1f} s")

    pictures = _merge_copies(reading)
    looks = [picture.prepared.looks for picture in pictures]
    digests = [look.digest for look in looks]
    keys = group_keys(digests, near_duplicates(looks))
    sides = assign(digests, keys, validation, settled=settled)
    examples = [_example(picture, key) for picture, key in zip(pictures, keys, strict=True)]
    info = _info(reading, pictures, keys)
    if licence:
        info["licence"] = licence
    if attribution:
        info["attribution"] = [attribution]
    done = time.perf_counter()
    info["seconds"] = {"read": round(cleaning_began - began, 3), "clean": round(done - cleaning_began, 3)}
    groups = counted(len(info["duplicate_groups"]), "group of duplicates", "groups of duplicates")
    log(
        f"cleaned in {done - cleaning_began:.1f} s: {groups}, {len(reading.prepared) - len(pictures):,} merged with the"
        f" same picture, {counted(len(examples), 'picture')} kept"
    )
    splits = {
        name: [example for example, side in zip(examples, sides, strict=True) if side == name]
        for name in ("train", "validation")
    }
    made = write_collection(destination, splits, info)
    if ByHand.read(destination) != ByHand():
        log(f"changed by hand, as before: {destination / LIST}")
    return made


def _earlier_split(destination: Path, log: Log) -> dict[str, str]:
    """The split of each group in the collection that is being replaced."""
    if not is_prepared(destination):
        return {}
    try:
        splits = open_prepared(destination, by_hand=ByHand()).splits
    except BadInput as error:
        log(f"the earlier collection is damaged, so its split is not kept: {error.what}")
        return {}
    return {group: name for name in ("validation", "train") if name in splits for group in splits[name].groups}


def _read(source: str | Path, captions_required: bool, log: Log) -> _Reading:
    """Finds and prepares all pictures, some at once: decoding and encoding release Python's lock."""
    reading = _Reading()
    with open_source(source) as findings, ThreadPoolExecutor() as threads:
        unopened = _to_be_opened(findings, reading, captions_required)
        while batch := list(islice(unopened, _AT_ONCE)):
            for result in threads.map(prepare, batch):
                if isinstance(result, Excluded):
                    reading.excluded.append(result)
                    continue
                reading.prepared.append(result)
                if len(reading.prepared) % _LOG_EVERY == 0:
                    log(f"read {len(reading.prepared):,} pictures")
    return reading


def _to_be_opened(findings: Iterator[Found | Excluded], reading: _Reading, captions_required: bool) -> Iterator[Found]:
    """The pictures that are to be opened; the others are counted and excluded."""
    for finding in findings:
        if isinstance(finding, Excluded):
            reading.excluded.append(finding)
            continue
        reading.found += 1
        texts = finding.texts
        reading.captioned += bool(texts.captions)
        if not captions_required:
            yield replace(finding, texts=Texts())
        elif texts.captions:
            said = [*texts.notes, texts.problem] if texts.problem else texts.notes
            reading.notes += [{"file": finding.file_name, "note": note} for note in said]
            yield finding
        else:
            reading.excluded.append(Excluded(finding.file_name, texts.problem or NO_CAPTION))


def _refuse_if_useless(source: str | Path, reading: _Reading, captions_required: bool) -> None:
    reasons = Counter(excluded.reason for excluded in reading.excluded)
    held = contents(source) if not reading.prepared else ""
    why = "; ".join(
        [f"it holds {held}"] * bool(held)
        + [f"{count:,} left out: {reason}" for reason, count in reasons.most_common(4)]
    )
    if reading.found == 0:
        raise BadInput(f"{source} has no pictures", why=why, next_step="give the folder that the pictures are in")
    if captions_required and reading.captioned == 0:
        raise BadInput(
            f"0 of {reading.found:,} pictures have a caption in {source}",
            why=f"I looked for {LOOKED_FOR}; {why}",
            next_step="add captions, or collect without them on purpose: --no-captions",
        )
    if not reading.prepared:
        raise BadInput(f"nothing is left of the {counted(reading.found, 'picture')} in {source}", why=why)


def _merge_copies(reading: _Reading) -> list[_Picture]:
    """One picture for all that are exactly the same, with the captions of all; the copies are excluded."""
    first: dict[str, _Picture] = {}
    for prepared in reading.prepared:
        found = prepared.found
        kept = first.get(prepared.looks.digest)
        if kept is None:
            first[prepared.looks.digest] = _Picture(prepared, found.texts.captions, found.concept, found.keywords)
            continue
        kept.captions = tuple(dict.fromkeys(kept.captions + found.texts.captions))[:MOST]
        kept.concept = kept.concept or found.concept
        kept.keywords = tuple(dict.fromkeys(kept.keywords + found.keywords))[:MOST]
        kept.copies.append(found.file_name)
        reason = f"the same picture as {kept.prepared.found.file_name}, which has its captions too"
        reading.excluded.append(Excluded(found.file_name, reason))
    return list(first.values())


def _example(picture: _Picture, key: str) -> Example:
    found = picture.prepared.found
    return Example(
        picture=picture.prepared.picture,
        file_name=found.file_name,
        captions=picture.captions,
        concept=picture.concept or key,
        group=key,
        source=found.texts.source if picture.captions else "",
        keywords=picture.keywords,
    )


def _info(reading: _Reading, pictures: Sequence[_Picture], keys: Sequence[str]) -> dict[str, Any]:
    """What `collection.json` says beyond the counts that writing adds."""
    prepared = [picture.prepared for picture in pictures]
    members: dict[str, list[str]] = {}
    for picture, key in zip(pictures, keys, strict=True):
        members.setdefault(key, []).extend([picture.prepared.found.file_name, *picture.copies])
    step = max(1, len(prepared) // _PALETTE_SAMPLE)
    return {
        "found": reading.found,
        "sources": dict(Counter(one.found.texts.source for one in prepared if one.found.texts.source)),
        "size_px": suggested_size_px([one.edge_px for one in prepared]),
        "transparent": any(one.transparent for one in prepared),
        "pixel_art": bool(looks_like_pixel_art([np.asarray(open_picture(one.picture)) for one in prepared[::step]])),
        "longest_edge_px": LONGEST_EDGE_PX,
        "reduced": dict(Counter(one.reduced for one in prepared if one.reduced)),
        "excluded": [{"file": excluded.file, "reason": excluded.reason} for excluded in reading.excluded],
        "duplicate_groups": [names for names in members.values() if len(names) > 1],
        "notes": reading.notes,
        "bytes": {
            "read": sum(one.bytes_read for one in reading.prepared),
            "clean": sum(len(one.picture) for one in reading.prepared),
        },
    }


def suggested_size_px(edges_px: Sequence[int]) -> int:
    """The smallest usual training size that holds most pictures whole, at most 64 px, from their longer edges."""
    typical = median(edges_px)
    return next((size for size in SUGGESTED_SIZES_PX if size >= typical), SUGGESTED_SIZES_PX[-1])
