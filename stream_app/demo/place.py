"""Where a run takes place: a folder of its own, a cluster, and settings that say so."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from stream_app.local_kafka.server_properties import free_ports
from stream_app.settings import Loaded, Settings, load_settings
from stream_app.settings.load import FILE_VARIABLE, PREFIX
from stream_app.settings.model import Cluster, Topics

PARTITIONS = 4
"""Enough to see that data is shared out, few enough for a laptop."""


class Place(Struct, frozen=True):
    """A run's folder, and the settings that everything in it goes by."""

    folder: Path
    settings: Settings
    prefix: str
    """What the names of topics and groups begin with; empty on a cluster of our own."""

    @property
    def settings_file(self) -> Path:
        """The file to give to any command that shall see what the demo sees."""
        return _file(self.folder)

    @property
    def worker_log(self) -> Path:
        """Where the worker's log goes."""
        return self.folder / "worker.log"

    @property
    def kafka_data(self) -> Path:
        """The data folder of the local broker."""
        return kafka_data(self.folder)

    def url(self, path: str) -> str:
        """Where the worker answers about itself."""
        return f"http://{self.settings.metrics_host}:{self.settings.metrics_port}/{path}"


def kafka_data(folder: Path) -> Path:
    """The local broker's part of a run's folder."""
    return folder / "kafka"


def given_cluster() -> Loaded | None:
    """The caller's own settings if they name a cluster, else None: then we start one."""
    loaded = load_settings()
    return None if loaded.origin("bootstrap_servers") == "default" else loaded


def local_place(folder: Path, bootstrap_servers: str) -> Place:
    """A run on a broker that was started for it."""
    values = {"bootstrap_servers": bootstrap_servers, "replication_factor": 1}
    return _place(folder, "", values)


def given_place(folder: Path, brokers: int) -> Place:
    """A run on somebody's cluster, under names that nobody else uses."""
    prefix = f"cg-trans-03-demo-{secrets.token_hex(3)}"
    defaults = Settings()
    names = {name: getattr(defaults, name) for name in Topics.model_fields if "_topic" in name}
    names |= {name: getattr(defaults, name) for name in ("scope_group", "adjudicate_group")}
    renamed = {key: f"{prefix}.{name}" for key, name in names.items()}
    return _place(folder, prefix, renamed | {"replication_factor": min(3, brokers)})


def cluster_only(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment with nothing of ours in it but how to reach a cluster.

    What is expected of a population holds under default settings: others must not slip in.
    """
    kept = {FILE_VARIABLE, *(PREFIX + name.upper() for name in Cluster.model_fields)}
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(PREFIX) or name in kept
    }


def _place(folder: Path, prefix: str, values: Mapping[str, Any]) -> Place:
    all_defaults = {
        name: value
        for name, value in Settings().model_dump(mode="json").items()
        if name not in Cluster.model_fields
    }
    ours = {
        "partitions": PARTITIONS,
        "data_dir": str(folder / "state"),
        "metrics_port": free_ports(1)[0],
        "log_format": "human",
        "commit_interval_seconds": 0.2,  # a short run should not wait for the next commit
    }
    _file(folder).write_text(json.dumps(all_defaults | ours | dict(values), indent=2) + "\n")
    settings = load_settings([str(_file(folder))], cluster_only()).settings
    return Place(folder, settings, prefix)


def _file(folder: Path) -> Path:
    return folder / "settings.json"
