"""The command line as a whole: quick, one clear line for every failure, well behaved in pipes."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stream_app import __version__
from stream_app.cli.main import COMMANDS, main
from stream_app.errors import CgTrans03Error, UsageError

SCRIPT = Path(sys.executable).with_name("cg-trans-03")


def run(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *args], capture_output=True, text=True, check=False, timeout=60, **options
    )


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch):
    """Put one more subcommand beside the real ones."""

    def plant(function) -> None:
        command = click.command(function)
        monkeypatch.setitem(COMMANDS, "planted", "A subcommand of a test.")
        module = type(sys)("stream_app.cli.planted")
        module.command = command
        monkeypatch.setitem(sys.modules, "stream_app.cli.planted", module)

    return plant


def test_script_and_module_print_the_same_when_asked_for_help() -> None:
    module = subprocess.run(
        [sys.executable, "-m", "stream_app", "--help"], capture_output=True, text=True, check=True
    )
    assert module.stdout == run("--help").stdout
    assert module.stdout.startswith("Usage: cg-trans-03 ")


def test_the_version_is_the_packages_when_asked_for() -> None:
    assert run("--version").stdout == f"cg-trans-03 {__version__}\n"


def test_nothing_heavy_is_imported_when_help_is_printed() -> None:
    """Help must come at once; a subcommand's imports are its own."""
    code = (
        "import sys; from stream_app.cli.main import main; main(['--help'], standalone_mode=False);"
        "print(*sorted(set(sys.modules) & {'faust','aiokafka','pydantic','msgspec','rich','yaml',"
        "'ruamel.yaml','orjson','asyncio'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_loads_and_explains_itself_when_asked_for_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], prog_name="cg-trans-03")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Usage: cg-trans-03 {name}")
    assert len(result.stdout.splitlines()) > 6
    assert "\\b" not in result.stdout


def test_examples_keep_their_lines_when_help_is_printed() -> None:
    lines = CliRunner().invoke(main, ["kafka", "--help"]).stdout.splitlines()
    assert "    cg-trans-03 kafka status" in lines


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["adjust"], "did you mean 'adjudicate'?"),
        (["xyz"], "there are adjudicate, explain"),
        (["--nope"], "No such option"),
        (["config", "--format", "xml"], "Invalid value for '--format'"),
        (["config", "--settings", "absent.toml"], "absent.toml: No such file or directory"),
    ],
)
def test_one_line_and_exit_code_2_when_the_call_is_wrong(args: list[str], words: str) -> None:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_help_goes_to_standard_error_when_no_subcommand_is_given() -> None:
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "adjudicate" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"), [(CgTrans03Error("it is so"), 1), (UsageError("it is so"), 2)]
)
def test_no_traceback_is_shown_when_our_own_error_is_raised(
    planted, error: Exception, code: int
) -> None:
    @planted
    def _() -> None:
        raise error

    result = CliRunner().invoke(main, ["planted"])
    assert (result.exit_code, result.stderr) == (code, "error: it is so\n")


def test_the_file_is_named_when_the_system_refuses_it(planted, tmp_path: Path) -> None:
    @planted
    def _() -> None:
        (tmp_path / "none" / "x").open("w")

    result = CliRunner().invoke(main, ["planted"])
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/none/x: No such file or directory\n"


def test_a_bug_is_not_dressed_up_when_something_unforeseen_is_raised(planted) -> None:
    @planted
    def _() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(main, ["planted"]).exception, ZeroDivisionError)


def test_a_command_decides_its_exit_code_when_it_returns_a_number(planted) -> None:
    @planted
    def _() -> int:
        return 1

    assert CliRunner().invoke(main, ["planted"]).exit_code == 1


def test_exit_code_130_and_silence_when_interrupted(tmp_path: Path) -> None:
    code = (
        "import click, sys, time\nfrom stream_app.cli import main as m\n"
        "@click.command()\ndef command():\n    print('ready', flush=True); time.sleep(60)\n"
        "m.COMMANDS['planted'] = ''\nmod = type(sys)('x'); mod.command = command\n"
        "sys.modules['stream_app.cli.planted'] = mod\nm.run(['planted'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "")


def test_no_word_of_complaint_when_the_reader_of_our_output_goes_away() -> None:
    """`cg-trans-03 ... | head -1` must look as it does with any other tool."""
    for args in ("--help", "config --format json"):
        done = subprocess.run(
            ["bash", "-c", f"({SCRIPT} {args}; echo code $? >&2) | true"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.fullmatch(r"code (0|1|141)\n", done.stderr), done.stderr


def test_colour_is_for_terminals_only_when_printing(monkeypatch: pytest.MonkeyPatch) -> None:
    args = ["config", "--settings", "log_level=DEBUG"]
    assert "\x1b[" not in CliRunner().invoke(main, args).stdout
    assert "\x1b[" in CliRunner().invoke(main, args, color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in CliRunner().invoke(main, args, color=True).stdout
    assert "\x1b[" not in CliRunner().invoke(main, ["nope"], color=True).stderr
