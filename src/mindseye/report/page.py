"""The data report as one HTML file: style inside, pictures as data URIs, no script, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mindseye.collection.collection import Collection, Split
from mindseye.report import charts
from mindseye.report.html import environment, tile

SAMPLES = 96
DUPLICATES_SHOWN = 60
ALIKE_SHOWN = 60
SUGGESTIONS_SHOWN = 300
EXCLUDED_SHOWN = 500
NOTES_SHOWN = 100
WORDS_SHOWN = 60
CAPTION_LENGTH_SHOWN = 40


def render(collection: Collection, facts: Mapping[str, Any], thumbnails: Sequence[str] = ()) -> str:
    """The report's HTML.

    Args:
        collection: the pictures to show.
        facts: what `mindseye.inspect` found in it.
        thumbnails: of the pictures that captions are suggested for, as data URIs.
    """
    return (
        environment()
        .get_template("inspect.html")
        .render(
            facts=facts,
            charts=charts,
            caption_lengths=_capped_lengths(facts["caption_lengths"]),
            words=dict(list(facts["words"].items())[:WORDS_SHOWN]),
            samples=_samples(collection),
            duplicates=_duplicates(collection, facts["duplicate_groups"][:DUPLICATES_SHOWN]),
            alike=_alike(collection, facts["alike"]),
            suggestions=list(zip(thumbnails, facts["suggestions"] or (), strict=True))[:SUGGESTIONS_SHOWN],
            excluded=facts["excluded"][:EXCLUDED_SHOWN],
            notes=facts["notes"][:NOTES_SHOWN],
            exclusion_reasons=_reasons(facts["excluded"]),
        )
    )


def _capped_lengths(lengths: Mapping[str, int]) -> dict[str, int]:
    """Captions by number of words, without gaps; the long ones share the last bar."""
    if not lengths:
        return {}
    longest = min(max(map(int, lengths)), CAPTION_LENGTH_SHOWN)
    bars = {str(words): lengths.get(str(words), 0) for words in range(1, longest)}
    last = sum(count for words, count in lengths.items() if int(words) >= longest)
    return {**bars, f"{longest}+" if max(map(int, lengths)) > longest else str(longest): last}


def _reasons(excluded: Iterable[Mapping[str, str]]) -> dict[str, int]:
    """How often each reason stands among the exclusions, the most frequent first."""
    counts: dict[str, int] = {}
    for entry in excluded:
        counts[entry["reason"]] = counts.get(entry["reason"], 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _samples(collection: Collection) -> list[dict[str, str]]:
    """Pictures evenly spaced over the training split."""
    split = collection.splits["train"]
    shown = min(len(split), SAMPLES)
    return [tile(split, index * len(split) // shown) for index in range(shown)]


def _places(collection: Collection) -> dict[str, tuple[Split, int]]:
    """Where each picture is, by its file name."""
    return {name: (split, index) for split in collection.splits.values() for index, name in enumerate(split.file_names)}


def _alike(collection: Collection, alike: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The nearest pairs of pictures that look the same and are not, to stand side by side."""
    places, pairs = _places(collection), (alike or {"pairs": []})["pairs"]
    return [
        {"pictures": [tile(*places[pair[end]]) for end in ("one", "other")], "distance": pair["distance"]}
        for pair in pairs[:ALIKE_SHOWN]
    ]


def _duplicates(collection: Collection, groups: Iterable[Iterable[str]]) -> list[dict[str, Any]]:
    """The pictures of each group, to stand side by side; exact copies are not in the collection, so they are named."""
    places = _places(collection)
    return [
        {
            "pictures": [tile(*places[name]) for name in group if name in places],
            "copies": [name for name in group if name not in places],
        }
        for group in groups
    ]
