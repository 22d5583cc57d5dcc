"""Cells: what a long comparison is cut into, so that it can be broken off anywhere and goes on where it stopped.

A cell has a folder of its own under --out and ends in a `row.json` there. Each runs in a process of its own, so that
none inherits settings, caches or memory of another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from record import say

STOPPED = (130, 143, -2, -15)  # exit codes of SIGINT and SIGTERM


def write_json(path: Path, value: object) -> None:
    """Writes it aside, then renames."""
    aside = path.with_suffix(".aside")
    aside.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(aside, path)


def is_done(folder: Path) -> bool:
    """Whether a cell is trained, drawn and judged."""
    path = folder / "row.json"
    return path.exists() and bool(json.loads(path.read_text(encoding="utf-8"))["figures"])


def gather(out: Path) -> list[dict[str, Any]]:
    """All rows under `out`, written to results.jsonl, too."""
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*/row.json"))]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.jsonl").write_text(lines, encoding="utf-8")
    return rows


def each_in_its_own_process(
    script: str, cells: Mapping[str, object], out: Path, arguments: Sequence[str | Path]
) -> None:
    """Runs `script --cell CELL` for every cell; one that fails is left for the next time.

    Args:
        cells: folder names to what the script needs to know, as JSON values.
        out: where the folders are; the rows are gathered after each.
        arguments: of the script besides.
    """
    for name, cell in cells.items():
        say(f"--- {name}")
        command = [sys.executable, script, *map(str, arguments), "--out", str(out), "--cell", json.dumps(cell)]
        code = subprocess.run(command, check=False).returncode
        if code:
            say(f"  it ended with exit code {code}; the same command goes on with it")
            if code in STOPPED:
                raise SystemExit(code)
        gather(out)
