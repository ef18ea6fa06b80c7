"""Every strict setting of ruff, mypy, import-linter and pytest bites: a planted fault is found.

A strictness flag that is misspelt, or undone by another, looks just like one that works.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "pyproject.toml"


def run(*command: str | Path, stdin: str | None = None, **options) -> tuple[int, str]:
    done = subprocess.run(
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    return done.returncode, done.stdout


RUFF = {
    "A001": "id = 1",
    "ANN001": "def f(a) -> None: ...",
    "ANN201": "def f(): ...",
    "ARG001": "def f(a: int) -> None:\n    print()",
    "ASYNC251": "import time\nasync def f() -> None:\n    time.sleep(1)",
    "B006": "def f(a: list[int] = []) -> None: ...",
    "BLE001": "try:\n    pass\nexcept Exception:\n    print()",
    "C419": "any([x for x in ()])",
    "D101": '"""Doc."""\nclass C: ...',
    "D417": 'def f(a: int, b: int) -> None:\n    """Do.\n\n    Args:\n        a: one.\n    """',
    "DTZ005": "import datetime\ndatetime.datetime.now()",
    "E501": "# " + "word " * 20,
    "ERA001": "# x = f(1)",
    "F401": "import os",
    "F821": "unknown",
    "FBT003": "f(True)",
    "G004": 'import logging\nlogging.info(f"{1}")',
    "I001": "import sys\nimport os",
    "LOG015": 'import logging\nlogging.info("x")',
    "N801": "class c: ...",
    "PERF401": "r = []\nfor x in ():\n    r.append(x + 1)",
    "PGH003": "x = 1  # type: ignore",
    "PLR0913": "def f(a, b, c, d, e, f, g, h) -> None: ...",
    "PTH123": 'open("x")',
    "RET505": "def f(a: int) -> int:\n    if a:\n        return 1\n    else:\n        return 2",
    "RUF100": "x = 1  # noqa: E501",
    "S602": 'import subprocess\nsubprocess.run("ls", shell=True)',
    "S506": "import yaml\nyaml.load(x)",
    "SIM115": 'f = open("x")',
    "SLF001": "import os\nos._x",
    "T201": "print()",
    "TID252": "from . import x",
    "TRY400": "import logging\ntry:\n    pass\nexcept ValueError:\n    logging.error('x')",
    "UP007": "from typing import Union\nx: Union[int, str]",
}


@pytest.mark.parametrize("code", RUFF)
def test_ruff_finds_the_fault_when_one_is_planted(code: str) -> None:
    exit_code, output = run(
        *(BIN / "ruff", "check", "--config", CONFIG, "--no-cache", "--output-format", "concise"),
        *("--stdin-filename", ROOT / "stream_app" / "domain" / "planted.py", "-"),
        stdin=RUFF[code] + "\n",
    )
    assert exit_code == 1, output
    assert f" {code} " in output, output


def test_ruff_finds_a_function_too_complex_when_one_is_planted() -> None:
    branches = "".join(f"    if a == {i}:\n        a += 1\n" for i in range(13))
    _, output = run(
        *(BIN / "ruff", "check", "--config", CONFIG, "--no-cache", "--output-format", "concise"),
        *("--stdin-filename", ROOT / "stream_app" / "planted.py", "-"),
        stdin=f"def f(a: int) -> None:\n{branches}",
    )
    assert " C901 " in output


def test_the_formatter_complains_when_a_file_is_not_formatted() -> None:
    exit_code, _ = run(
        *(BIN / "ruff", "format", "--check", "--config", CONFIG, "--stdin-filename", "p.py", "-"),
        stdin="x = {  'a':1 }\n",
    )
    assert exit_code == 1


MYPY = {
    "no-untyped-def": "def f(a): ...",
    "no-untyped-call": "def g(): ...  # type: ignore[no-untyped-def]\ndef f() -> None: g()",
    "type-arg": "def f(a: list) -> None: ...",
    "no-any-return": "from typing import Any\ndef f(a: Any) -> int: return a",
    "misc": "from typing import Any\nB: Any = object\nclass C(B): ...",
    "redundant-cast": "from typing import cast\nx = cast(int, 1)",
    "unused-ignore": "x = 1  # type: ignore[misc]",
    "ignore-without-code": "x: int = ''  # type: ignore",
    "comparison-overlap": "x = 1 == 'a'",
    "possibly-undefined": "def f(a: int) -> int:\n    if a:\n        b = 1\n    return b",
    "redundant-expr": "def f(a: int) -> bool: return isinstance(a, int) and a > 1",
    "truthy-bool": "class C: ...\ndef f(c: C) -> int: return 1 if c else 2",
    "unreachable": "def f(a: int) -> None:\n    if isinstance(a, str):\n        print()",
    "attr-defined": "from planted.reexport import Path",
    "arg-type": "def f(a: int) -> None: ...\nf(None)",
    "exhaustive": "from enum import Enum\nfrom typing import assert_never\n"
    "class E(Enum):\n    A = 1\n    B = 2\n"
    "def f(e: E) -> None:\n    if e is E.A: return\n    assert_never(e)",
}


def test_mypy_finds_every_fault_when_one_of_each_is_planted(tmp_path: Path) -> None:
    """One file a fault, one run for all of them: each file shows its own code."""
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "reexport.py").write_text("from pathlib import Path")
    for code, source in MYPY.items():
        (package / f"{code.replace('-', '_')}.py").write_text(source)
    _, output = run(
        *(BIN / "mypy", "--config-file", CONFIG, "--cache-dir", ROOT / ".mypy_cache", "planted"),
        cwd=tmp_path,
    )
    found = set(re.findall(r"^planted/(\w+)\.py:\d+: error: .*\[([\w-]+)\]$", output, re.MULTILINE))
    shown_as = {"exhaustive": "arg-type"}
    missed = [
        code for code in MYPY if (code.replace("-", "_"), shown_as.get(code, code)) not in found
    ]
    assert missed == [], output


IMPORTS = {
    "a rule that knows a stage of the pipeline": ("rules", "import stream_app.pipeline"),
    "a domain type that knows the policy": ("domain", "import stream_app.policy"),
    "a setting that knows the worker": ("settings", "import stream_app.worker"),
    "a generator that knows the worker": ("synthetic", "import stream_app.worker"),
    "a rule that knows Faust": ("rules", "import faust"),
    "a stage that knows aiokafka": ("pipeline", "import aiokafka"),
    "a stage that knows the clock": ("pipeline", "import time"),
    "a stage that knows the environment": ("pipeline", "import os"),
    "a rule that reads YAML": ("rules", "from ruamel.yaml import YAML"),
    "a rule that loads its own policy": ("rules", "import stream_app.policy.load"),
    "a stage that counts in Prometheus": ("pipeline", "import prometheus_client"),
    "a command that speaks to Kafka itself": ("cli", "import aiokafka"),
    "a room without a place in the house": ("attic", ""),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which faults may be planted."""
    copy = tmp_path_factory.mktemp("house")
    sources = shutil.ignore_patterns("__pycache__", "*.csv", "*.yaml", "*.xml")
    shutil.copytree(ROOT / "stream_app", copy / "stream_app", ignore=sources)
    return copy


def _lint_imports(house: Path) -> tuple[int, str]:
    environ = {**os.environ, "PYTHONPATH": str(house)}
    return run(BIN / "lint-imports", "--no-cache", "--config", CONFIG, cwd=house, env=environ)


def test_the_import_rules_hold_when_nothing_is_planted(house: Path) -> None:
    """Else the tests below would prove nothing."""
    exit_code, output = _lint_imports(house)
    assert exit_code == 0, output


@pytest.mark.parametrize("fault", IMPORTS)
def test_the_import_rules_break_when_a_fault_is_planted(house: Path, fault: str) -> None:
    room, source = IMPORTS[fault]
    is_new = not (house / "stream_app" / room).exists()
    (house / "stream_app" / room).mkdir(exist_ok=True)
    planted = house / "stream_app" / room / ("__init__.py" if is_new else "planted.py")
    planted.write_text(source + "\n")
    try:
        exit_code, output = _lint_imports(house)
    finally:
        planted.unlink()
        if is_new:
            shutil.rmtree(house / "stream_app" / room)
    assert exit_code == 1, output
    assert "BROKEN" in output or room in output


def _pytest(folder: Path, *args: str, config: Path = CONFIG) -> tuple[int, str]:
    environ = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return run(
        *(BIN / "pytest", "-c", config, "--rootdir", folder, "-p", "no:cacheprovider", *args),
        folder,
        cwd=folder,
        env=environ,
    )


PYTEST = {
    "an unknown marker": (
        "import pytest\n@pytest.mark.intergation\ndef test(): ...",
        "not found in `markers`",
    ),
    "an expected failure that passes": (
        "import pytest\n@pytest.mark.xfail\ndef test(): ...",
        "XPASS(strict)",
    ),
    "a warning": (
        "import warnings\ndef test(): warnings.warn('old', DeprecationWarning)",
        "DeprecationWarning: old",
    ),
    "a file that nobody closed": (
        "import gc\ndef test():\n    open(__file__)\n    gc.collect()",
        "PytestUnraisableExceptionWarning",
    ),
    "a coroutine that nobody awaited": (
        "import gc\nasync def f(): ...\ndef test():\n    f()\n    gc.collect()",
        "never awaited",
    ),
    "a failure behind an await": ("async def test(): assert False", "assert False"),
}


@pytest.fixture(scope="module")
def pytest_output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One run over all planted faults, each in a file of its own."""
    folder = tmp_path_factory.mktemp("planted")
    for number, (source, _) in enumerate(PYTEST.values()):
        (folder / f"test_{number}.py").write_text(source)
    exit_code, output = _pytest(folder, "--continue-on-collection-errors", "-rfE")
    assert exit_code == 1, output
    return output


@pytest.mark.parametrize("fault", PYTEST)
def test_pytest_fails_when_a_fault_is_planted(pytest_output: str, fault: str) -> None:
    number = list(PYTEST).index(fault)
    assert re.search(rf"^(FAILED|ERROR) test_{number}\.py", pytest_output, re.MULTILINE)
    assert PYTEST[fault][1] in pytest_output


def test_pytest_ends_a_test_with_a_stack_when_it_hangs(tmp_path: Path) -> None:
    (tmp_path / "test_planted.py").write_text("import time\ndef test(): time.sleep(60)")
    exit_code, output = _pytest(tmp_path, "-o", "timeout=0.2")
    assert (exit_code, "Timeout" in output) == (1, True)
    assert re.search(r"^timeout = [1-9]\d*$", CONFIG.read_text(), re.MULTILINE)


def test_pytest_refuses_its_own_settings_when_one_is_misspelt(tmp_path: Path) -> None:
    misspelt = tmp_path / "pyproject.toml"
    misspelt.write_text(CONFIG.read_text().replace("xfail_strict", "xfail_strickt"))
    exit_code, output = _pytest(tmp_path, config=misspelt)
    assert exit_code not in (0, 5), output
    assert "xfail_strickt" in output
