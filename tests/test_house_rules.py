"""What DESIGN promises about the code itself, read from its syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "mindseye"
FILES = sorted(SOURCES.rglob("*.py"))
LINE_LIMIT = 400
HEAVY = ("torch", "transformers", "datasets", "diffusers", "numpy", "pyarrow", "PIL", "sentence_transformers")

UNSAFE_CALLS = {"eval", "exec", "compile", "torch.load", "np.load", "numpy.load", "yaml.load", "os.system"}
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
PINNED = ("observe/pictures.py", "torch.load")  # one file of weights, whose SHA-256 is checked before it is parsed
GLOBAL_RANDOMNESS = {"torch.manual_seed", "torch.seed", "np.random.seed", "numpy.random.seed", "random.seed"}
NEEDS_GENERATOR = {"torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.normal", "torch.bernoulli"}
GENERATOR_MAKERS = {"np.random.Generator", "np.random.Philox", "np.random.SeedSequence"}


@pytest.fixture(params=FILES, ids=lambda file: str(file.relative_to(SOURCES)))
def source(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


def dotted(node: ast.expr) -> str:
    """`torch.manual_seed` for the expression that says so; "" for anything that is not a plain dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_a_file_is_read_in_one_sitting(source: Path) -> None:
    assert len(source.read_text(encoding="utf-8").splitlines()) <= LINE_LIMIT


def test_a_module_says_what_it_is_for(source: Path) -> None:
    assert ast.get_docstring(syntax(source))


def test_nothing_that_is_read_can_run_code(source: Path) -> None:
    tree = syntax(source)
    assert not {module.split(".")[0] for module in imports(tree)} & UNSAFE_MODULES
    for name, call in calls(tree):
        if (source.relative_to(SOURCES).as_posix(), name) == PINNED:
            assert "weights_only=True" in ast.unparse(call)
        else:
            assert name not in UNSAFE_CALLS, f"line {call.lineno}: {name}"
        for keyword in call.keywords:
            trusted = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            assert not (keyword.arg in ("shell", "trust_remote_code", "allow_pickle") and trusted), (
                f"line {call.lineno}"
            )


def test_no_random_number_comes_from_a_global_generator(source: Path) -> None:
    tree = syntax(source)
    assert "random" not in set(imports(tree))
    for name, call in calls(tree):
        assert name not in GLOBAL_RANDOMNESS, f"line {call.lineno}: {name}"
        if name in NEEDS_GENERATOR:
            assert "generator" in {keyword.arg for keyword in call.keywords}, f"line {call.lineno}: {name}"
        if name.startswith(("np.random.", "numpy.random.")):
            assert name in GENERATOR_MAKERS, f"line {call.lineno}: {name}"


def test_importing_mindseye_and_its_command_line_imports_nothing_heavy() -> None:
    code = f"import sys, mindseye, mindseye.cli.app;print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_found_and_can_be_called_whatever_was_imported_before() -> None:
    import mindseye
    import mindseye.train.run

    for name in mindseye.__all__:
        assert callable(getattr(mindseye, name)), name
