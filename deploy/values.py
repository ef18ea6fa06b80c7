"""The chart's values.schema.json and README.md, from values.yaml and the service's settings."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from ruamel.yaml import YAML

from stream_app.settings import Settings

CHART = Path(__file__).parent / "helm" / "cg-trans-03"

OWNED = frozenset(
    {
        "bootstrap_servers", "security_protocol", "sasl_mechanism", "sasl_username",
        "sasl_password", "sasl_password_file", "ssl_cafile", "ssl_certfile", "ssl_keyfile",
        "ssl_key_password", "ssl_key_password_file", "policy_dir", "applicability_file",
        "data_dir", "group_instance_id", "metrics_host", "metrics_port", "log_format",
    }
)  # fmt: skip
"""Settings that the chart itself decides."""

_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
_FREE = {"type": "object"}
_STRINGS = {"type": "array", "items": {"type": "string", "minLength": 1}}
_OBJECTS = {"type": "array", "items": {"type": "object"}}
_QUANTITY = {"type": ["string", "integer"], "pattern": r"^[0-9]+(\.[0-9]+)?(m|[kKMGT]i?)?$"}
# The chart gives these two itself.
_ARGUMENTS = {
    "type": "array",
    "items": {"type": "string", "not": {"pattern": r"^--(job|metrics-port)\b"}},
}
_COUNT = {"type": "integer", "minimum": 1}
_AMOUNTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": dict.fromkeys(("cpu", "memory", "ephemeral-storage"), _QUANTITY),
}

# What a value's default does not tell. Everything else is as its default is.
_SPECIAL: dict[str, dict[str, Any]] = {
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.repository": {"type": "string", "minLength": 1},
    "imagePullSecrets": _STRINGS,
    "policyFiles": {
        "type": "object",
        "propertyNames": {"pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.yaml$"},
        "additionalProperties": {"type": "string", "minLength": 1},
    },
    "kafka.bootstrapServers": {
        "type": "string",
        "pattern": r"^(\s*[^\s,]+:[0-9]+\s*(,\s*[^\s,]+:[0-9]+\s*)*)?$",
    },
    "kafka.ports": {
        "type": "array",
        "minItems": 1,
        "items": {"type": "integer", "minimum": 1, "maximum": 65535},
    },
    "kafka.sasl.mechanism": {"enum": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]},
    "topics.create": {"enum": ["job", "strimzi", "none"]},
    "topics.strimzi.authentication": {"enum": ["scram-sha-512", "tls"]},
    "scope.autoscaling.mode": {"enum": ["none", "hpa", "keda"]},
    "adjudicate.store": {"enum": ["rocksdb", "memory"]},
    "adjudicate.volume.size": _QUANTITY,
    "replay.job.arguments": _ARGUMENTS,
    "replay.cronJob.arguments": _ARGUMENTS,
    "replay.cronJob.schedule": {"type": "string", "pattern": r"^(@[a-z]+|\S+( \S+){4})$"},
    "replay.retries": {"type": "integer", "minimum": 0},
    "replay.volume.size": _QUANTITY,
    "podAnnotations": _LABELS,
    "networkPolicy.scrapers": _OBJECTS,
    "networkPolicy.brokers": _OBJECTS,
    "monitoring.podMonitor.interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"},
}
for _role in ("scope", "adjudicate", "replay"):
    _SPECIAL |= {
        f"{_role}.resources": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"requests": _AMOUNTS, "limits": _AMOUNTS},
        },
        f"{_role}.nodeSelector": _LABELS,
        f"{_role}.tolerations": _OBJECTS,
        f"{_role}.affinity": _FREE,
    }
for _kind in ("podMonitor", "rules", "dashboards"):
    _SPECIAL[f"monitoring.{_kind}.labels"] = _LABELS


def schema() -> dict[str, Any]:
    """values.schema.json: draft-07, nothing allowed that values.yaml does not name."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart cg-trans-03",
        **_schema_of(_values(), ""),
    }


def readme_table() -> str:
    """The table of values, in the order of the file."""
    rows = ["| value | default | |", "|---|---|---|"]
    for path, default, text in _described():
        shown = json.dumps(default).replace("|", "\\|")
        rows.append(f"| `{path}` | `{shown}` | {text} |")
    return "\n".join(rows) + "\n"


def _values() -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(CHART / "values.yaml")
    return values


def _schema_of(value: Any, path: str) -> dict[str, Any]:
    if path == "settings":
        return _settings()
    if path in _SPECIAL:
        return _SPECIAL[path]
    if isinstance(value, Mapping):
        properties = {
            key: _schema_of(one, f"{path}.{key}".lstrip(".")) for key, one in value.items()
        }
        if not path:
            properties["global"] = _FREE  # Helm's own, for parent charts
        return {"type": "object", "additionalProperties": False, "properties": properties}
    if isinstance(value, bool):
        return {"type": "boolean"}
    return _COUNT if isinstance(value, int) else {"type": "string"}


def _settings() -> dict[str, Any]:
    """The service's settings less those that the chart decides."""
    properties: dict[str, dict[str, Any]] = {}
    for name, field in Settings.model_fields.items():
        if name in OWNED:
            continue
        given = list(get_args(field.annotation) or (field.annotation,))
        if get_origin(field.annotation) is Literal:
            properties[name] = {"enum": given}
            continue
        kinds = [one for one in given if one is not NoneType]
        words = [word for one in kinds if get_origin(one) is Literal for word in get_args(one)]
        if words:
            properties[name] = {"enum": [*words, "none"]}
            continue
        (kind,) = kinds
        limits = list(field.metadata)
        if get_origin(kind) is Annotated:  # within `… | None`
            kind, *inner = get_args(kind)
            limits += inner
        properties[name] = {
            "type": {bool: "boolean", int: "integer", float: "number", str: "string"}[kind]
        }
        for limit in limits:
            properties[name] |= _limit(limit)
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _limit(limit: Any) -> dict[str, Any]:
    words = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum"}
    found = {word: getattr(limit, name) for name, word in words.items() if hasattr(limit, name)}
    pattern = getattr(limit, "pattern", None)
    return {k: v for k, v in {**found, "pattern": pattern}.items() if v is not None}


def _described() -> Iterator[tuple[str, Any, str]]:
    """Each documented value: path, default, text. Reads the comments that begin with `--`."""
    text, stack = "", list[tuple[int, str]]()
    values = _values()
    for line in (CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        body = line.strip()
        if body.startswith("#"):
            words = body.lstrip("# ")
            text = words.removeprefix("-- ") if words.startswith("-- ") else f"{text} {words}"
            continue
        key = re.match(r"( *)([A-Za-z0-9]+):", line)
        if key is None:
            text = ""
            continue
        indent = len(key[1])
        while stack and stack[-1][0] >= indent:
            stack.pop()
        stack.append((indent, key[2]))
        if text:
            path = [name for _, name in stack]
            value: Any = values
            for name in path:
                value = value[name]
            yield ".".join(path), value, text
        text = ""


def undocumented() -> list[str]:
    """Values without a comment: leaves that the table would leave out."""
    told = {path for path, _, _ in _described()}

    def leaves(value: Any, path: str) -> Iterator[str]:
        if path in told:
            return
        if isinstance(value, Mapping) and value:
            for key, one in value.items():
                yield from leaves(one, f"{path}.{key}".lstrip("."))
        else:
            yield path

    return list(leaves(_values(), ""))
