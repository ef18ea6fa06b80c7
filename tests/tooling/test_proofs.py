"""The list of what is proven where names tests that are there."""

import ast
import re
from pathlib import Path

NAMED = re.compile(r"`((?:\w+/)+\w+\.py)(?:::(\w+))?`")


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_test_is_there_when_the_list_of_proofs_names_it(repo: Path) -> None:
    folder = repo / "tests"
    named = NAMED.findall((folder / "README.md").read_text())
    assert len(named) > 30
    missing = []
    for module, function in named:
        path = repo / module if module.startswith("tests/") else folder / module
        if not path.is_file() or (function and function not in _functions(path)):
            missing.append(f"{module}::{function}")
    assert not missing
