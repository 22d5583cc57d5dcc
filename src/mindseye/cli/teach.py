"""`mindseye teach`: a new word from one to five pictures; `unteach` takes it back, `recognise` knows what it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mindseye.cli import console
from mindseye.wording import duration


def teach(
    model: Annotated[
        str, typer.Argument(help="A shipped model's name, a model folder or a run; of the family diffusion.")
    ],
    word: Annotated[str, typer.Argument(help="The new word: letters a to z and digits.")],
    pictures: Annotated[list[Path], typer.Argument(help="One to five pictures of it.")],
    out: Annotated[Path, typer.Option(help="The folder that knows the word; one that knows others gets it, too.")],
    like: Annotated[
        str, typer.Option(help="Known words for something like it.  [default: what the model's thinker says]")
    ] = "",
    strength: Annotated[
        float, typer.Option(help="Share of what is learnt that is in force, 0 to 2: 0 is what it is like.")
    ] = 1.0,
    mirror: Annotated[bool, typer.Option(help="The pictures may be seen mirrored; not so for letters.")] = True,
    pictures_seen: Annotated[int, typer.Option(min=8, help="Moved and noised pictures that it learns from.")] = 400,
    seed: Annotated[int, typer.Option(help="Of what is seen.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Teach a word that the model knows already.")] = False,
    drawn: Annotated[
        int, typer.Option("--pictures", min=0, max=4, help="Drawn for each wording of the sheet; 0 for no sheet.")
    ] = 1,
    sheets: Annotated[Path, typer.Option(help="Folder for the sheet.")] = Path("pictures"),
    as_json: console.Json = False,
) -> None:
    """Teach a model a new word from one to five pictures, without forgetting the others.

    The model's own files stay as they are: the word is a small file in a copy of its folder.
    """
    import mindseye
    from mindseye.cli.drawing import save_page

    taught = mindseye.teach(
        model, word, pictures, out, like=like, strength=strength, mirror=mirror, pictures_seen=pictures_seen,
        seed=seed, force=force, drawn=drawn, log=console.say,
    )  # fmt: skip
    record = taught.edit.record
    [(name, stands_in)] = record.pairs
    sheet = str(save_page(taught.sheet, sheets, f"{name}-taught")) if taught.sheet else None
    size = taught.path.stat().st_size
    text = [
        f"{name}, begun as {stands_in!r}, {duration(record.seconds)}, {console.size(size)}",
        f"word: {taught.path}",
        f"sheet: {sheet}" if sheet else "",
        f'draw it: mindseye imagine "a {name} on a table" --model {taught.model}',
        f"take it back: mindseye unteach {taught.model} {name}",
    ]
    value = {
        "word": name, "stands_in": stands_in, "model": str(taught.model), "path": str(taught.path), "sheet": sheet,
        "seconds": record.seconds, "settings": record.settings, "bytes": size,
    }  # fmt: skip
    console.answer(value, "\n".join(line for line in text if line), as_json=as_json)


def unteach(
    model: Annotated[str, typer.Argument(help="The folder that knows the word.")],
    word: Annotated[str, typer.Argument(help="The word.")],
    as_json: console.Json = False,
) -> None:
    """Take a taught word back: the folder has the bytes that it had before."""
    import mindseye

    path = mindseye.unteach(model, word)
    console.answer({"untaught": path.stem, "path": str(path)}, f"{path.stem} is taken back", as_json=as_json)


def recognise(
    model: Annotated[str, typer.Argument(help="A model that was taught words, or a shipped one's name.")],
    picture: Annotated[Path, typer.Argument(help="A picture file.")],
    collection: Annotated[
        str | None, typer.Option(help="Whose pictures are known besides.  [default: the model's, if built in]")
    ] = None,
    taught_only: Annotated[bool, typer.Option("--taught-only", help="Know the taught words and nothing else.")] = False,
    imagined: Annotated[
        int, typer.Option(min=0, max=16, help="Pictures of each taught word that are drawn, to know it by these, too.")
    ] = 0,
    sure: Annotated[float, typer.Option(min=0, max=1, help='With less confidence: "I don\'t know".')] = 0.5,
    as_json: console.Json = False,
) -> None:
    """Say which word a picture shows, taught or of the collection, and how sure that is."""
    import mindseye

    found = mindseye.recognise(
        model, picture, collection=collection, taught_only=taught_only, imagined=imagined, sure=sure, log=console.say
    )
    answers = [
        {"words": answer.words, "similarity": round(answer.similarity, 4), "taught": answer.taught}
        for answer in found.answers
    ]
    sureness = "confidence not measured" if found.confidence is None else f"confidence {found.confidence:.2f}"
    rows = [[f"{answer.similarity:.3f}", "taught" if answer.taught else "", answer.words] for answer in found.answers]
    text = f"{found.said}   ({sureness})\n{console.table(['similarity', '', 'near'], rows)}"
    value = {"said": found.said, "sure": found.sure, "confidence": found.confidence, "answers": answers}
    console.answer(value, text, as_json=as_json)
