"""No internal of Faust's or aiokafka's is touched that no contract test names.

What is private to them is theirs to change without a word. So whatever the worker touches of it
must stand in `test_faust_internals.py` or `test_aiokafka_internals_scan.py`, where an upgrade that
moves it fails with the reason why it matters.
"""

import ast
import re
from pathlib import Path

import pytest

CONTRACTS = ("test_faust_internals.py", "test_aiokafka_internals_scan.py")
PUBLIC = {"_make", "_asdict", "_replace"}
"""Of named tuples: documented, for all their underscore."""


def _own(tree: ast.AST) -> set[str]:
    """Private names that a module defines itself."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            found.add(node.attr)
    return found


def _touched(tree: ast.AST) -> set[str]:
    """Private names that a module takes from something."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    }


def _foreign(folder: Path) -> dict[str, set[str]]:
    """Private names of others, and the modules that touch them."""
    trees = {path.name: ast.parse(path.read_text()) for path in folder.rglob("*.py")}
    own = set().union(*(_own(tree) for tree in trees.values()))
    found: dict[str, set[str]] = {}
    for module, tree in trees.items():
        for name in _touched(tree) - own - PUBLIC:
            found.setdefault(name, set()).add(module)
    return found


def test_every_internal_is_named_in_a_contract_when_the_worker_touches_it(repo: Path) -> None:
    contracts = "".join((Path(__file__).parent / name).read_text() for name in CONTRACTS)
    words = set(re.findall(r"_\w+", contracts))
    foreign = _foreign(repo / "stream_app" / "worker")
    unnamed = {name: sorted(modules) for name, modules in foreign.items() if name not in words}
    assert not unnamed, (
        f"internals of Faust or aiokafka that no contract test names are touched: {unnamed}. Name "
        f"each in {CONTRACTS[0]}, with what is relied on"
    )


@pytest.mark.parametrize("name", ["_records", "_coordinator", "_db_for_partition", "_conns"])
def test_internals_are_recognised_when_they_are_touched(repo: Path, name: str) -> None:
    """The test above would prove nothing if it saw none."""
    assert name in _foreign(repo / "stream_app" / "worker")
