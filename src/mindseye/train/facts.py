"""What a run folder says of its training, as plain values: for the command line and for a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mindseye.train.run import RunFolder

NOT_STAGES = {"started", "progress", "interrupted", "finished", "error"}
BETWEEN_STEPS = {"held_out", "preview", "copies", "checkpoint"}


def run_facts(run: RunFolder) -> dict[str, Any]:
    """What a run folder says, as plain JSON values; changes nothing in it.

    Raises:
        BadInput: its run.toml is damaged.
    """
    plan = run.read_plan()
    events = run.events.read()
    progress = [event for event in events if event["event"] == "progress"]
    last = progress[-1] if progress else {}
    counted: dict[str, Any] = next((event for event in reversed(events) if event["event"] == "copies"), {})
    shape = plan.pictures if plan else {}
    picture_bytes = shape.get("size_px", 0) ** 2 * shape.get("channels", 0)
    return {
        "run": str(run.path),
        "state": run.state,
        "family": plan.family if plan else "",
        "collection": plan.collection if plan else "",
        # a crash may come after a checkpoint and before the next report
        "pictures_seen": max(last.get("pictures_seen", 0), run.pictures_kept),
        "pictures_per_second": last.get("pictures_per_second"),
        "loss": last.get("loss"),
        "losses": [event["loss"] for event in progress if isinstance(event.get("loss"), int | float)],
        "copies": counted.get("copies"),  # among the pictures of the last sheet on which they were counted
        "copies_among": counted.get("pictures"),
        "stages": _stages(events, picture_bytes),
        "step_shares": _step_shares(progress),
        "model": str(run.model) if run.model.exists() else None,
    }


def _stages(events: Sequence[dict[str, Any]], picture_bytes: int) -> list[dict[str, Any]]:
    """Seconds, bytes and share of the time of every stage as first met, and of "train", the steps themselves, whose
    bytes are those of the pictures that they saw."""
    stages: dict[str, dict[str, Any]] = {}
    between = trained = 0.0  # seconds: of stages between steps; of steps, by the last progress and without those
    seen = 0
    for event in events:
        if event["event"] == "progress":
            trained, seen = event["seconds"] - between, event["pictures_seen"]
        if event["event"] in NOT_STAGES or "seconds" not in event:
            continue
        between += event["seconds"] if event["event"] in BETWEEN_STEPS else 0.0
        stage = stages.setdefault(event["event"], {"stage": event["event"], "seconds": 0.0, "bytes": 0})
        stage["seconds"] += event["seconds"]
        stage["bytes"] += event.get("bytes", 0)
    stages["train"] = {"stage": "train", "seconds": max(0.0, trained), "bytes": seen * picture_bytes}
    total = sum(stage["seconds"] for stage in stages.values()) or 1.0
    return [
        {**stage, "seconds": round(stage["seconds"], 3), "share": round(stage["seconds"] / total, 4)}
        for stage in stages.values()
    ]


def _step_shares(progress: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What the time of the steps went to, as means over all reports: "wait" for data, "gradient", "optimiser", ..."""
    sums: Counter[str] = Counter()
    for event in progress:
        sums.update(event.get("shares", {}))
    return {what: round(share / len(progress), 4) for what, share in sums.most_common()}
