"""Show settings: to a person, as a file that can be read again, and as a page of documentation."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from stream_app.settings.load import PREFIX, Loaded
from stream_app.settings.model import GROUPS, Settings

HIDDEN = "(hidden)"

Plain = str | int | float | bool


def as_text(loaded: Loaded, names: Sequence[str] = ()) -> str:
    """Return one line a setting: name, value, origin; with `names`, those and what they mean."""
    lines: list[str] = []
    for group in GROUPS:
        wanted = [name for name in group.model_fields if not names or name in names]
        if not wanted:
            continue
        lines += ["", click.style(_heading(group), bold=True)]
        for name in wanted:
            origin = loaded.origin(name)
            value = _plain(getattr(loaded.settings, name))
            shown = f"  {name:<30} {_shown(value)}"
            tail = f"({origin})"
            lines.append(
                f"{shown:<58} {click.style(tail, dim=True)}"
                if origin == "default"
                else f"{click.style(f'{shown:<58}', fg='cyan')} {tail}"
            )
            if names:
                lines += [f"      {_meaning(name)}", f"      {_type(Settings.model_fields[name])}"]
    return "\n".join(lines[1:])


def as_toml(loaded: Loaded) -> str:
    """Return a settings file; what is not set, and every secret, is a comment."""
    return "\n".join(_assignments(loaded, lambda name: f"{name} = ", json.dumps))


def as_env(loaded: Loaded) -> str:
    """Return lines for a shell or an env file; what is not set, and every secret, is a comment."""
    return "\n".join(_assignments(loaded, lambda name: f"{PREFIX}{name.upper()}=", _env_value))


def as_json(loaded: Loaded) -> str:
    """Return a settings file without its secrets."""
    values = {name: _plain(getattr(loaded.settings, name)) for name in Settings.model_fields}
    return json.dumps({k: v for k, v in values.items() if v != HIDDEN}, indent=2)


def as_markdown() -> str:
    """Return docs/settings.md: every setting, its default and its meaning."""
    lines = [
        "<!-- Written by `make docs` from stream_app/settings/model.py: change it there. -->",
        "",
        "# Settings",
        "",
        "A setting has one name, spelt in three ways:",
        "",
        f"- in the environment, in capitals behind `{PREFIX}`: `{PREFIX}METRICS_PORT=9464`;",
        "- in a file (TOML, YAML or JSON by its ending): `metrics_port = 9464`. The file is named",
        f"  by `{PREFIX}SETTINGS_FILE` or `--settings FILE`;",
        "- on the command line, any number of times: `--settings metrics_port=9464`.",
        "",
        "The command line wins over the environment, that over a file, that over the default.",
        "An unknown name is refused. `cg-trans-03 config` prints what is in force, where each",
        "value comes from, and no secret. (Variables that Kubernetes sets by itself for a service",
        "of this name, such as `CG_TRANS_03_PORT=tcp://…`, are passed over.)",
    ]
    for group in GROUPS:
        lines += ["", f"## {_heading(group)}", ""]
        notes = (group.__doc__ or "").partition("\n\n")[2].strip()
        if notes:
            lines += [notes, ""]
        lines += ["| name | values | default | meaning |", "|---|---|---|---|"]
        for name, field in group.model_fields.items():
            default = _plain(field.default)
            shown = "" if default is None else f"`{_shown(default)}`"
            lines.append(
                f"| `{name}` | {_type(field).replace('|', chr(92) + '|')} | {shown} "
                f"| {_meaning(name)} |"
            )
    return "\n".join(lines) + "\n"


def _heading(group: type) -> str:
    return (group.__doc__ or "").splitlines()[0].rstrip(".")


def _meaning(name: str) -> str:
    return " ".join((Settings.model_fields[name].description or "").split())


def _shown(value: Plain | None) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Plain | None:
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, Path):
        return str(value)
    assert value is None or isinstance(value, Plain)
    return value


def _assignments(
    loaded: Loaded, start: Callable[[str], str], quote: Callable[[Plain], str]
) -> Iterable[str]:
    for group in GROUPS:
        yield f"# {_heading(group)}"
        for name in group.model_fields:
            value = _plain(getattr(loaded.settings, name))
            if value is None:
                given = Settings.model_fields[name].default is not None
                yield start(name) + quote("none") if given else f"# {start(name)}"
            elif value == HIDDEN:
                yield f"# {start(name)}{HIDDEN}"
            else:
                yield start(name) + quote(value)


def _env_value(value: Plain) -> str:
    text = _shown(value)
    return text if re.fullmatch(r"[\w.:/,@%+-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def _type(field: FieldInfo) -> str:
    """Describe a field's values in a few words: choices, or a type with its bounds."""
    kinds = get_args(field.annotation) or (field.annotation,)
    words = [word for kind in kinds if (word := _word(kind))]
    bounds = [
        f"{sign} {limit}"
        for meta in field.metadata
        for sign, attribute in (("≥", "ge"), (">", "gt"), ("≤", "le"))
        if (limit := getattr(meta, attribute, None)) is not None
    ]
    return " ".join([*dict.fromkeys(words), *bounds])


def _word(kind: Any) -> str:
    names = {
        int: "integer",
        float: "number",
        bool: "true, false",
        Path: "path",
        SecretStr: "secret",
    }
    if kind is type(None):
        return ""
    if isinstance(kind, str):
        return f"`{kind}`"
    if isinstance(kind, type):
        return names.get(kind, "text")
    return " ".join(word for inner in get_args(kind) if (word := _word(inner)))
