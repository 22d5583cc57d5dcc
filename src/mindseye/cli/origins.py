"""What models were trained on."""

from __future__ import annotations

from pathlib import Path


def collections_of(models: list[str]) -> list[str]:
    """What models were trained on, where it is at hand: built-in ones, and those that runs name."""
    from mindseye.collection.builtin import BUILTIN
    from mindseye.collection.collection import is_prepared
    from mindseye.learn.folder import find_ours
    from mindseye.train.run import RunFolder

    found = []
    for model in models:
        folder = find_ours(model)
        plan = RunFolder(folder.parent).read_plan() if folder else None
        if plan is not None and is_prepared(Path(plan.collection_path)):
            found.append(plan.collection_path)
        elif model in BUILTIN:
            found.append(model)
    return list(dict.fromkeys(found))
