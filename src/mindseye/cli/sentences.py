"""What `mindseye explore` does with a model of sentences: what its code says, or a walk between two captions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mindseye.cli import console

if TYPE_CHECKING:
    from mindseye.observe.sentences import Writer

ALIKE = 0.005  # nats: what is shown as 0.00


def explore_sentences(
    model: str,
    ends: tuple[str, str] | None,
    *,
    plain: str | None,
    draw_with: str,
    way: str,
    steps: int,
    out: Path,
    as_json: bool,
) -> None:
    """Writes, draws, saves one sheet and says what is on it.

    Args:
        model: of sentences.
        ends: two captions, or none to see what its code says and what it writes by chance.
        plain: another model of sentences, shown beside it.
        draw_with: what draws each sentence.

    Raises:
        BadInput: a model is not there or of another kind, or a caption cannot be read.
    """
    import mindseye
    from mindseye.cli.drawing import save_page, slug
    from mindseye.observe.sentences import open_writer
    from mindseye.report import sentences as report

    writers = [open_writer(name) for name in (model, plain) if name is not None]
    if ends is None:
        imaginer = mindseye.load(draw_with)
        written = writers[0].imagined(report.IMAGINED)
        sheet = report.imagined_sheet(imaginer, written)
        path = save_page(sheet, out, f"{slug(writers[0].name)}-imagined")
        result = _told(writers[0]) | {"imagined": written, "draws": imaginer.name, "sheet": str(path)}
        console.answer(result, "\n".join([*written, str(path)]), as_json=as_json)
        return
    walks = [report.sentence_walk(writer, *ends, way=way, steps=steps) for writer in writers]
    imaginer = mindseye.load(draw_with)
    notes = [f"{end!r}: {note}" for end in ends for note in writers[0].notes(end)]
    for note in notes:
        console.say(f"note: {note}")
    lines = []
    for walk in walks:
        again = "both ends are written again word for word" if all(walk.found_again) else "an end is not written again"
        console.say(f"{report.KINDS[walk.kind]} {walk.model}: {again}")
        lines += [f"{share:4.2f}  {sentence}" for share, sentence in walk.steps] + [""]
    path = save_page(report.walks_sheet(imaginer, walks, *ends, steps=steps), out, f"{slug(' '.join(ends))}-walk")
    facts = {"way": way, "walks": [walk.facts for walk in walks], "draws": imaginer.name, "notes": notes}
    console.answer(facts | {"sheet": str(path)}, "\n".join([*lines, str(path)]), as_json=as_json)


def _told(writer: Writer) -> dict[str, object]:
    """What its code says, as plain JSON values, and the same for people."""
    nats = writer.model.kl.tolist()
    for dimension in sorted(range(len(nats)), key=lambda one: -nats[one]):
        if nats[dimension] > ALIKE:
            console.say(f"dimension {dimension:3d}  {nats[dimension]:6.2f} nats")
    information = float(writer.model.information)
    console.say(
        f"{writer.active} of {len(nats)} dimensions are active; KL {sum(nats):.2f} nats, of which the sentence and its"
        f" code share {information:.2f}"
    )
    return {
        "model": writer.name,
        "kind": writer.kind,
        "active": writer.active,
        "dimensions": len(nats),
        "kl": round(sum(nats), 4),
        "information": round(information, 4),
    }
