"""What few-shot recognition found, as plain values and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mindseye.think.few_shot.paired import Accuracies, Verdict, difference, verdicts
from mindseye.think.few_shot.trial import SUPPORT_ONLY, Setting
from mindseye.think.figure import bootstrap_interval, resampled


@dataclass
class CollectionResult:
    """Everything that was measured on one collection; filled in as it goes.

    Attributes:
        name: of the collection.
        concepts: of each side the numbers of concepts and pictures.
        others: the arms that imagine nothing.
        imaginations: the arms that do.
        skipped: ways and shots that there were too few pictures for.
        tried: every setting with its accuracy on validation-novel, and whether it was chosen.
        spare: of each (way, shot) how many real pictures the oracle had of a concept, on the mean.
        accuracies: of each (way, shot) and arm, in every episode.
        extras: of each shot and arm what its extra examples are like.
    """

    name: str
    concepts: dict[str, dict[str, int]]
    others: list[str]
    imaginations: list[str]
    skipped: list[dict[str, Any]] = field(default_factory=list)
    tried: list[dict[str, Any]] = field(default_factory=list)
    spare: dict[tuple[int, int], float] = field(default_factory=dict)
    accuracies: dict[tuple[int, int], dict[str, Accuracies]] = field(default_factory=dict)
    extras: dict[int, dict[str, dict[str, float]]] = field(default_factory=dict)

    def record(self, shot: int, arm: str, settings: Sequence[Setting], choice: Setting, means: Sequence[float]) -> None:
        """Notes the settings that were tried, how they did, and which was chosen."""
        for setting, mean in zip(settings, means, strict=True):
            row = {"shot": shot, "arm": arm, "settings": setting.as_json(), "accuracy": round(mean, 4)}
            self.tried.append(row | {"chosen": setting is choice})

    def lines(self) -> Iterator[dict[str, Any]]:
        """A row a way, shot and arm, with every episode."""
        for (way, shot), arms in self.accuracies.items():
            for arm, values in arms.items():
                row = {"collection": self.name, "way": way, "shot": shot, "arm": arm}
                yield row | {"accuracies": [round(float(value), 4) for value in values]}

    def verdicts(self) -> Iterator[tuple[int, str, Verdict]]:
        """Way, imagination and verdict; corrected for the number of k within each way."""
        for way in sorted({way for way, _ in self.accuracies}):
            by_shot = {shot: arms for (of, shot), arms in sorted(self.accuracies.items()) if of == way}
            for name in self.imaginations:
                placebos = [f"{name}, untrained", f"{name}, shuffled labels"]
                for verdict in verdicts(by_shot, name, placebos, self.others):
                    yield way, name, verdict


def facts_of(result: CollectionResult) -> dict[str, Any]:
    """The results of a collection as plain JSON values."""
    return {
        "collection": result.name,
        "concepts": result.concepts,
        "table": [
            {"way": way, "shot": shot, "arm": arm, **_row(values, arms[SUPPORT_ONLY])}
            for (way, shot), arms in sorted(result.accuracies.items())
            for arm, values in arms.items()
        ],
        "verdicts": [
            {
                "way": way,
                "imagination": name,
                **asdict(verdict),
                "holds": verdict.holds,
                "said": said(result.name, way, name, verdict),
            }
            for way, name, verdict in result.verdicts()
        ],
        "spare": [{"way": way, "shot": shot, "pictures": mean} for (way, shot), mean in sorted(result.spare.items())],
        "extras": [
            {"shot": shot, "arm": arm, **{name: round(value, 4) for name, value in figures.items()}}
            for shot, arms in result.extras.items()
            for arm, figures in arms.items()
        ],
        "tried": result.tried,
        "skipped": result.skipped,
    }


def _row(values: Accuracies, support_only: Accuracies) -> dict[str, Any]:
    weights = resampled(np.arange(len(values)), 0, "few-shot episodes")
    low, high = bootstrap_interval(weights @ values / weights.sum(1), within=(0, 1))
    return {
        "accuracy": float(values.mean()),
        "low": low,
        "high": high,
        "episodes": len(values),
        "over_support": asdict(difference(values, support_only)),
    }


def said(collection: str, way: int, imagination: str, verdict: Verdict) -> str:
    """The verdict in a sentence: the claim where its rule holds, the null where it does not."""
    gain = verdict.gain
    where = f"{collection}, {way}-way, k = {verdict.shot}"
    figures = (
        f"{100 * gain.value:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f}, Holm p "
        f"{verdict.corrected:.3f}) against {verdict.best}, the best arm without it"
    )
    if verdict.holds:
        return f"{where}: {imagination} improves recognition, {figures}; better in {gain.won:.0%} of episodes."
    if verdict.gains:
        helped = " and ".join(name for name, placebo in verdict.placebos.items() if placebo.low > 0)
        return f"{where}: no gain is claimed for {imagination}, {figures}, since its placebo gains too: {helped}."
    if gain.high < 0:
        return f"{where}: {imagination} does harm, no gain is shown, {figures}."
    return f"{where}: no gain from {imagination} is shown, {figures}."
