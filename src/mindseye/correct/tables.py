"""Published sets of edits from their CSV files, which are the person's own: TIMED, its gender set, RoAD, and the
professions of UCE.

Each row becomes a `Case`: an edit and the prompts that it is measured with.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mindseye.correct.beliefs import EFFICACY, GENERALITY, SPECIFICITY, Probe
from mindseye.errors import BadInput

EXAMPLES = 5  # of each kind in a row of TIMED and RoAD


@dataclass(frozen=True)
class Case:
    """An edit and what it is measured with.

    Attributes:
        source, destination: what is corrected to what.
        probes: the prompts, with the two texts that their pictures are held against.
        oracles: for each probe the prompt with which the unedited model would draw what is wanted.
    """

    source: str
    destination: str
    probes: tuple[Probe, ...]
    oracles: tuple[str, ...]


@dataclass(frozen=True)
class Bias:
    """A concept in which a model takes one attribute for granted.

    Attributes:
        source, destination: the edit against it; of UCE's table both are the profession, for `debias`.
        validation: a prompt to choose lambda with.
        prompts: those that are counted.
    """

    source: str
    destination: str
    validation: str
    prompts: tuple[str, ...]


def read_timed(path: Path) -> list[Case]:
    """TIMED (Orgad et al. 2023): old, new, positive1-5 with gt1-5, negative1-5 with gn1-5.

    Raises:
        BadInput: the file cannot be read, or lacks a column.
    """
    numbers = range(1, EXAMPLES + 1)
    columns = [f"{kind}{number}" for kind in ("positive", "gt", "negative", "gn") for number in numbers]
    cases = []
    for row in _rows(path, ["old", "new", *columns]):
        positives = [(row[f"positive{number}"], row[f"gt{number}"]) for number in numbers]
        negatives = [(row[f"negative{number}"], row[f"gn{number}"]) for number in numbers]
        asked = [
            Probe(EFFICACY, row["old"], row["new"], row["old"]),
            *(Probe(GENERALITY, prompt, wanted, prompt) for prompt, wanted in positives),
            *(Probe(SPECIFICITY, prompt, prompt, changed) for prompt, changed in negatives),
        ]
        oracles = [row["new"], *(wanted for _, wanted in positives), *(prompt for prompt, _ in negatives)]
        cases.append(Case(row["old"], row["new"], tuple(asked), tuple(oracles)))
    return cases


def read_road(path: Path) -> list[Case]:
    """RoAD (Arad et al. 2024): roles and appearances. Of a role the destination says what the source says, and more; of
    an appearance it does not, so that those are for UCE and ReFACT. The validation file lacks oracles of the positives;
    their new texts stand in.

    Raises:
        BadInput: the file cannot be read, or lacks a column.
    """
    numbers = range(1, EXAMPLES + 1)
    kinds = ("Positive", "Positive_old", "Positive_new", "Negative", "Negative_new")
    columns = [f"{kind}{number}" for kind in kinds for number in numbers]
    cases = []
    for row in _rows(path, ["Prompt", "Oracle", "Old", "New", *columns]):
        asked = [Probe(EFFICACY, row["Prompt"], row["New"], row["Old"])]
        oracles = [row["Oracle"]]
        for number in numbers:
            old, new = row[f"Positive_old{number}"], row[f"Positive_new{number}"]
            asked.append(Probe(GENERALITY, row[f"Positive{number}"], new, old))
            oracles.append(row.get(f"Positive_oracle{number}", new))
        for number in numbers:
            prompt = row[f"Negative{number}"]
            asked.append(Probe(SPECIFICITY, prompt, prompt, row[f"Negative_new{number}"]))
            oracles.append(prompt)
        cases.append(Case(row["Prompt"], row["Oracle"], tuple(asked), tuple(oracles)))
    return cases


def read_biases(path: Path) -> list[Bias]:
    """TIMED's gender set (old, new, validation, ex1-5) or UCE's professions (article, profession, validation, ex1-10).

    Raises:
        BadInput: the file cannot be read, or is neither.
    """
    rows = list(_rows(path, ["validation", "ex1"]))
    biases = []
    for row in rows:
        pair = (row["old"], row["new"]) if "old" in row else (f"{row['article']} {row['profession']}",) * 2
        prompts = tuple(text for column, text in row.items() if column.startswith("ex"))
        biases.append(Bias(*pair, row["validation"], prompts))
    return biases


def _rows(path: Path, columns: list[str]) -> Iterator[Mapping[str, str]]:
    """The rows of a table that has these columns, with single spaces only."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [column for column in columns if column not in (table.fieldnames or ())]
            if missing:
                raise BadInput(
                    f"{path} is not such a table", why=f"it has no column {', '.join(missing[:3])}",
                    next_step="give the CSV file as it was published",
                )  # fmt: skip
            for row in table:
                yield {column: " ".join((text or "").split()) for column, text in row.items() if column}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read", why=str(error), next_step="check the path") from error
