"""Does imagining extra examples help to recognise new things? The claim, tested.

The concepts of each collection are split by their names into base, validation-novel and test-novel. Everything that
learns (the space of features, imagination) learns from base concepts; every arm's settings are chosen on
validation-novel; test-novel is looked at once. All arms meet the same episodes, with one classifier. A gain is claimed
where `think.few_shot.paired.Verdict` says so, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from mindseye import files
from mindseye.collection.collection import Collection
from mindseye.collection.concepts import BASE, TEST_NOVEL, VALIDATION_NOVEL, Place, concepts_of, side_of
from mindseye.collection.opening import open_collection
from mindseye.errors import BadInput
from mindseye.imagine.imaginer import Imaginer
from mindseye.observe.pictures import PictureEncoder, load_picture_encoder, picture_features
from mindseye.randomness import rng_at
from mindseye.recall.features import seen_at
from mindseye.report.few_shot_facts import CollectionResult, facts_of
from mindseye.report.few_shot_imaginers import STRENGTHS, PictureImaginer, for_collections
from mindseye.think.few_shot import hallucinator, trial
from mindseye.think.few_shot.episodes import QUERIES, SPARE, Episode, Pool, episodes
from mindseye.think.few_shot.extras import Judge, about_extra, judge_of
from mindseye.think.few_shot.space import Base, fit_space
from mindseye.think.few_shot.trial import IMAGINATION, ORACLE, Drawn, Imagination, Setting, accuracies
from mindseye.think.few_shot.views import Draw, views

WAYS = (5, 20)
SHOTS = (1, 2, 3, 5, 10, 20)
EPISODES, FEWEST_EPISODES, CHOSEN_ON = 60, 30, 30
VIEWS = 5  # pictures that are drawn from each one that is shown

Log = Callable[[str], None]
Pictures = UInt8[np.ndarray, "picture size size channel"]


@dataclass(frozen=True)
class FewShotEvaluation:
    """What was found.

    Attributes:
        facts: plain JSON values: `collections`, each with its concepts, `table`, `verdicts`, `extras`, `tried`,
            `skipped`; `imaginers`, the models that imagined in pixels; and what all of it was measured with.
        results: the accuracies of all episodes.
    """

    facts: dict[str, Any]
    results: list[CollectionResult]

    def lines(self) -> str:
        """JSON lines: one a collection, way, shot and arm, with the accuracy in every episode."""
        rows = [row for result in self.results for row in result.lines()]
        return "".join(json.dumps(row) + "\n" for row in rows)


@dataclass(frozen=True)
class Seen:
    """A collection as few-shot recognition needs it.

    Attributes:
        pictures: those of all concepts, a row each.
        base, validation, test: the concepts of each side.
        place: where other pictures of the same format lie in the space of the base pictures.
    """

    name: str
    pictures: Pictures
    base: Base
    validation: Pool
    test: Pool
    place: Callable[[Pictures], NDArray[np.float32]]


def evaluate_few_shot(
    collections: Iterable[Collection | str | Path],
    *,
    ways: Sequence[int] = WAYS,
    shots: Sequence[int] = SHOTS,
    episodes: int = EPISODES,
    imaginers: Sequence[Imaginer] = (),
    strengths: Sequence[float] = STRENGTHS,
    page: Path | None = None,
    log: Log = lambda line: None,
) -> FewShotEvaluation:
    """Runs the protocol on each collection.

    Args:
        collections: prepared collections, their folders, or names of built-in ones; `collection.concepts` says what
            counts as a concept.
        ways: concepts in an episode.
        shots: pictures that are shown of each; those for which a collection has too few pictures are passed over.
        episodes: for each way and shot, at least 30.
        imaginers: models that imagine in pixels: each is an arm with placebos of its own, on the collection whose base
            concepts it was trained on (`collection.concepts.write_base`).
        strengths: of their imagination, 0 to 1; of each model one is chosen on validation-novel concepts.
        page: where to write the report as HTML; the same name with `.jsonl` and `.md` holds lines and tables.
        log: called with a line of text now and then.

    Raises:
        BadInput: a collection does not exist or has too few concepts, a number is out of range, or a model was trained
            on other pictures, or cannot imagine from a picture.
        Unavailable: the encoder is missing, or the disk refuses.
    """
    _check(ways, shots, episodes)
    opened = [each if isinstance(each, Collection) else open_collection(each) for each in collections]
    tested, told = for_collections(imaginers, opened, strengths)
    encoder = load_picture_encoder()
    results = []
    for collection, of_it in zip(opened, tested, strict=True):
        seen = see(collection, encoder, min(ways), log)
        results.append(measured(seen, sorted(set(ways)), sorted(set(shots)), episodes, of_it, log))
    facts = {
        "encoder": f"{encoder.name}, SHA-256 {encoder.sha256[:12]}",
        "imaginers": [each.as_json() for each in told],
        "episodes": episodes,
        "chosen_on": CHOSEN_ON,
        "collections": [facts_of(result) for result in results],
    }
    evaluation = FewShotEvaluation(facts, results)
    if page:
        from mindseye.report.few_shot_page import markdown, render

        for path, text in (
            (page, render(facts)),
            (page.with_suffix(".jsonl"), evaluation.lines()),
            (page.with_suffix(".md"), markdown(facts)),
        ):
            files.write_text(path, text)
    return evaluation


def _check(ways: Sequence[int], shots: Sequence[int], count: int) -> None:
    if not ways or min(ways) < 2:
        raise BadInput(f"ways {list(ways)} cannot be measured", next_step="use 2 or more concepts, such as 5 and 20")
    if not shots or min(shots) < 1:
        raise BadInput(f"shots {list(shots)} cannot be measured", next_step="show 1 or more pictures of each concept")
    if count < FEWEST_EPISODES:
        raise BadInput(
            f"{count} episodes are too few", why="the intervals would mean nothing", next_step="use 30 or more"
        )


def see(collection: Collection, encoder: PictureEncoder, way: int, log: Log = lambda line: None) -> Seen:
    """The concepts of a collection by their sides, in the space of its base pictures.

    Args:
        collection: with `way` concepts of two pictures or more on both novel sides.
        encoder: frozen; it looks at every picture once, ever.
        way: the fewest concepts that an episode is to have.
        log: called with a line of text now and then.

    Raises:
        BadInput: there are not so many.
    """
    concepts = {name: places[: max(SHOTS) + QUERIES + SPARE] for name, places in concepts_of(collection).items()}
    sides = {
        side: [name for name in concepts if side_of(name) == side] for side in (BASE, VALIDATION_NOVEL, TEST_NOVEL)
    }
    if short := [side for side, names in sides.items() if len(names) < way]:
        counts = ", ".join(f"{len(names)} {side}" for side, names in sides.items())
        raise BadInput(
            f"{collection.name} has too few concepts for {way}-way recognition",
            why=f"concepts with two pictures or more: {counts}; {short[0]} needs {way}",
            next_step="name in a column `concept` of its metadata what each picture shows, and collect it again",
        )
    pictures = _pictures(collection, [place for places in concepts.values() for place in places])
    log(f"{collection.name}: looking at {len(pictures):,} pictures with {encoder.name} (done once)")
    cache = files.cache_folder() / "features"

    def pooled(looked_at: Pictures) -> NDArray[np.float32]:
        features: NDArray[np.float32] = picture_features(encoder, looked_at, cache).pooled.numpy()
        return features

    ends = np.cumsum([len(places) for places in concepts.values()])
    rows = dict(zip(concepts, np.split(np.arange(len(pictures)), ends[:-1]), strict=True))
    features = pooled(pictures)
    space = fit_space(features[np.concatenate([rows[name] for name in sides[BASE]])])
    placed = space(features)
    base, validation, test = (
        Pool(tuple(names), placed, tuple(rows[name] for name in names)) for names in sides.values()
    )
    return Seen(collection.name, pictures, Base(base, space.ones), validation, test, lambda drawn: space(pooled(drawn)))


def _pictures(collection: Collection, places: Sequence[Place]) -> Pictures:
    size_px, channels, pixel_art = seen_at(collection)
    pictures = np.empty((len(places), size_px, size_px, channels), np.uint8)
    for name, split in collection.splits.items():
        own = [number for number, (of, _) in enumerate(places) if of == name]
        pictures[own] = split.arrays(size_px, channels, pixel_art, rows=[places[number][1] for number in own])
    return pictures


def measured(
    seen: Seen,
    ways: Sequence[int],
    shots: Sequence[int],
    count: int,
    imaginers: Mapping[str, PictureImaginer],
    log: Log = lambda line: None,
) -> CollectionResult:
    """Every arm in every episode of a collection; arguments as for `evaluate_few_shot`, in rising order."""
    possible, skipped = _possible(seen, ways, shots)
    if not possible:
        raise BadInput(
            f"nothing can be measured on {seen.name}", why=skipped[0]["why"], next_step="show fewer pictures: --shots 1"
        )
    choosing = {shot: episodes(seen.validation, ways[0], shot, CHOSEN_ON) for shot in {shot for _, shot in possible}}
    asked = {(way, shot): episodes(seen.test, way, shot, count) for way, shot in possible}
    everywhere = [each for some in (*choosing.values(), *asked.values()) for each in some]
    shown = np.unique(np.concatenate([each.support.ravel() for each in everywhere]))
    log(f"{seen.name}: augmenting {len(shown):,} pictures")
    others = trial.others(seen.base, drawn_from(seen, shown, views))
    log(f"{seen.name}: training imagination on {len(seen.base.pool.names):,} base concepts")
    imaginations = _imaginations(seen, shown, imaginers, log)
    result = CollectionResult(seen.name, _counts(seen), list(others), list(imaginations), skipped=skipped)
    judge = judge_of(seen.test)
    for shot, on in sorted(choosing.items()):
        arms = _chosen(result, shot, seen.validation, on, others, imaginations)
        for way in (way for way, of in possible if of == shot):
            result.spare[way, shot] = float(np.mean([len(rows) for each in asked[way, shot] for rows in each.spare]))
            result.accuracies[way, shot] = {
                name: accuracies(seen.test, asked[way, shot], setting) for name, setting in arms.items()
            }
        result.extras[shot] = {
            name: _about(seen.test, asked[ways[0], shot], setting, judge)
            for name, setting in arms.items()
            if setting.arm
        }
        log(f"{seen.name}: k = {shot} done")
    return result


def _chosen(
    result: CollectionResult,
    shot: int,
    pool: Pool,
    on: Sequence[Episode],
    others: Mapping[str, Sequence[Setting]],
    imaginations: Mapping[str, Imagination],
) -> dict[str, Setting]:
    """The setting of every arm, in the order of the table; what was tried is recorded in `result`."""

    def chosen(name: str, settings: Sequence[Setting]) -> Setting:
        choice, means = trial.choose(pool, on, settings)
        result.record(shot, name, settings, choice, means)
        return choice

    arms = {name: chosen(name, settings) for name, settings in others.items()}
    for name, imagination in imaginations.items():
        arms[name] = chosen(name, imagination.tried)
        arms |= imagination.placebos(name, arms[name])
    return arms | {ORACLE: chosen(ORACLE, trial.real_pictures())}


def _possible(
    seen: Seen, ways: Sequence[int], shots: Sequence[int]
) -> tuple[list[tuple[int, int]], list[dict[str, Any]]]:
    """Which ways and shots there are pictures enough for, and why not the others."""
    possible, skipped = [], []
    for way in ways:
        for shot in shots:
            chosen, tested = (len(pool.with_at_least(shot + 1)) for pool in (seen.validation, seen.test))
            if chosen >= ways[0] and tested >= way:
                possible.append((way, shot))
            else:
                why = f"more than {shot} pictures have {chosen} {VALIDATION_NOVEL} and {tested} {TEST_NOVEL} concepts"
                skipped.append({"way": way, "shot": shot, "why": why})
    return possible, skipped


def drawn_from(seen: Seen, rows: NDArray[np.intp], draw: Draw) -> Drawn:
    """Where the pictures lie that are drawn from each of these rows."""
    drawn = [draw(seen.pictures[row], VIEWS, rng_at(0, "drawn from a picture", int(row))) for row in rows]
    placed = seen.place(np.concatenate(drawn))
    return dict(zip(rows.tolist(), np.split(placed, len(rows)), strict=True))


def _imaginations(
    seen: Seen, shown: NDArray[np.intp], imaginers: Mapping[str, PictureImaginer], log: Log
) -> dict[str, Imagination]:
    networks = {rate: hallucinator.train(seen.base, rate=rate) for rate in trial.RATES}
    found = {IMAGINATION: trial.feature_imagination(networks, hallucinator.untrained(seen.base))}
    for name, imaginer in imaginers.items():
        log(f"{seen.name}: {name}, {VIEWS} pictures from each of {len(shown):,}, trained and untrained")
        both = (
            {strength: drawn_from(seen, shown, draw) for strength, draw in draws.items()}
            for draws in (imaginer.trained, imaginer.untrained)
        )
        found[name] = trial.picture_imagination(*both)
    return found


def _counts(seen: Seen) -> dict[str, dict[str, int]]:
    pools = {BASE: seen.base.pool, VALIDATION_NOVEL: seen.validation, TEST_NOVEL: seen.test}
    return {
        side: {"concepts": len(pool.names), "pictures": sum(map(len, pool.members))} for side, pool in pools.items()
    }


def _about(pool: Pool, asked: Sequence[Episode], setting: Setting, judge: Judge) -> dict[str, float]:
    found = [
        about_extra(extra, task, episode, pool, judge)
        for episode, task, extra in trial.run(pool, asked, setting)
        if extra
    ]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
