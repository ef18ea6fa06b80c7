"""Gather the settings: `--settings key=value` over the environment over files over defaults."""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from stream_app.errors import UsageError
from stream_app.settings.model import Settings

PREFIX = "CG_TRANS_03_"
FILE_VARIABLE = PREFIX + "SETTINGS_FILE"
BOOTSTRAP_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

_SECRET_FILES = {
    "sasl_password_file": "sasl_password",
    "ssl_key_password_file": "ssl_key_password",
}

_CERTIFICATES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile")

# What Kubernetes tells every container of a service called cg-trans-03-…, of its own accord.
_SERVICE_LINK = re.compile(
    r"_SERVICE_(HOST|PORT)(_\w+)?$|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and for each that is no default the place it comes from."""

    settings: Settings
    origins: Mapping[str, str]

    def origin(self, name: str) -> str:
        """Say where the value of one setting comes from."""
        return self.origins.get(name, "default")


def load_settings(
    overrides: Iterable[str] = (), environ: Mapping[str, str] | None = None
) -> Loaded:
    """Read and check all settings.

    Args:
        overrides: what `--settings` was given, in order: ``key=value`` or a file.
        environ: the environment; the process's own by default.

    Raises:
        UsageError: a file cannot be read, a name is unknown or a value is wrong; all faults that
            were found stand in the message, one a line. No value of a setting is repeated.
    """
    environ = os.environ if environ is None else environ
    pairs, files = _split(overrides)
    if environ.get(FILE_VARIABLE):
        files.insert(0, Path(environ[FILE_VARIABLE]))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    faults: list[str] = []
    layers = [(str(path), _read_file(path)) for path in files]
    layers += [(name, {key: value}) for name, key, value in _from_environment(environ)]
    layers += [(f"--settings {key}", {key: value}) for key, value in pairs]
    for origin, layer in layers:
        for key, value in layer.items():
            if key in Settings.model_fields:
                values[key] = value
                origins[key] = origin
            else:
                faults.append(f"{origin}: {_unknown(key)}")
    _read_secret_files(values, origins, faults)
    faults += [
        f"{origins[name]}: {name}: no such file"
        for name in _CERTIFICATES
        if values.get(name) and not Path(str(values[name])).is_file()
    ]
    settings = _validate(values, origins, faults)
    return Loaded(settings, origins)


def _split(overrides: Iterable[str]) -> tuple[list[tuple[str, str]], list[Path]]:
    pairs, files = [], []
    for given in overrides:
        key, equals, value = given.partition("=")
        if equals and re.fullmatch(r"[a-zA-Z0-9_-]+", key):
            pairs.append((key.replace("-", "_").lower(), value))
        else:
            files.append(Path(given))
    return pairs, files


def _from_environment(environ: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield (variable, setting, value); a variable that is set but empty counts as not set."""
    if environ.get(BOOTSTRAP_VARIABLE):
        yield BOOTSTRAP_VARIABLE, "bootstrap_servers", environ[BOOTSTRAP_VARIABLE]
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE or not value:
            continue
        if _SERVICE_LINK.search(variable) or _SERVICE_ADDRESS.match(value):
            continue
        yield variable, variable.removeprefix(PREFIX).lower(), value


def _read_file(path: Path) -> Mapping[str, Any]:
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yaml": _yaml,
        ".yml": _yaml,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: a settings file ends in .toml, .yaml or .json (or give key=value)"
        )
    try:
        content = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 text") from None
    except YAMLError as error:
        # Its own text quotes the file, which may hold a password.
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = "a name stands twice" if isinstance(error, DuplicateKeyError) else "not YAML"
        raise UsageError(f"{path}{where}: {what}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not {path.suffix[1:].upper()}: {error}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{path}: must hold names and values, nothing else")
    return {str(key): value for key, value in content.items()}


def _yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _read_secret_files(values: dict[str, Any], origins: dict[str, str], faults: list[str]) -> None:
    for file_key, key in _SECRET_FILES.items():
        if not values.get(file_key):
            continue
        if values.get(key):
            faults.append(f"{origins[key]}: give {key} or {file_key}, not both")
            continue
        try:
            values[key] = Path(str(values[file_key])).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            faults.append(f"{origins[file_key]}: {file_key}: {reason}")
            values[key] = "unreadable"  # so that no second fault is found in its absence
        origins[key] = origins[file_key]


def _validate(values: dict[str, Any], origins: dict[str, str], faults: list[str]) -> Settings:
    try:
        settings = Settings(**values)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            name = str(fault["loc"][0]) if fault["loc"] else ""
            text = fault["msg"].removeprefix("Value error, ").replace("Input should", "must")
            origin = origins.get(name, "")
            if not origin.lower().endswith(name):
                origin = f"{origin}: {name}"
            faults.append(f"{origin}: {text}" if name else text)
        raise UsageError(_in_lines(faults)) from None
    if faults:
        raise UsageError(_in_lines(faults))
    return settings


def _in_lines(faults: list[str]) -> str:
    return faults[0] if len(faults) == 1 else "\n  ".join([f"{len(faults)} settings:", *faults])


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key.lower(), Settings.model_fields, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else "; see 'cg-trans-03 config --help'"
    return f"no setting is called '{key}'{hint}"
