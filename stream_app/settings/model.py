"""The settings: name, type, default and meaning of each. Nothing is read from anywhere here."""

from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from stream_app.rules.settings import DecisionSettings

HEADER_ROOM_BYTES = 16_384
"""How much larger than its source a copy with more headers (an in-scope copy, a dead letter)
may be."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
"""What Kafka takes as a topic or group name, with room for what is derived from it."""
Servers = Annotated[str, StringConstraints(pattern=r"^\s*[^\s,]+:\d+\s*(,\s*[^\s,]+:\d+\s*)*$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]
Bytes = Annotated[int, Field(ge=1024, le=2**31 - 1)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Group(BaseModel):
    """Settings of one subject; its docstring is the heading in the documentation."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )


class Cluster(Group):
    """Kafka cluster."""

    bootstrap_servers: Servers = "127.0.0.1:9092"
    """Brokers to ask first, `host:port`, several with commas. The variable
    `KAFKA_BOOTSTRAP_SERVERS` sets it, too; the one with the prefix wins."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to the brokers. A `SASL_` one needs the user name and the password."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to prove who we are, where the protocol is a `SASL_` one."""
    sasl_username: str | None = None
    """User name for SASL."""
    sasl_password: SecretStr | None = None
    """Password for SASL. Better kept in a file."""
    sasl_password_file: Path | None = None
    """File that holds the password for SASL, such as a mounted secret."""
    ssl_cafile: Path | None = None
    """Certificates (PEM) of the authorities that may vouch for the brokers; by default those
    of the system."""
    ssl_certfile: Path | None = None
    """Our own certificate (PEM), where the brokers ask for one."""
    ssl_keyfile: Path | None = None
    """Key (PEM) of our own certificate."""
    ssl_key_password: SecretStr | None = None
    """Password of that key. Better kept in a file."""
    ssl_key_password_file: Path | None = None
    """File that holds the password of that key."""
    ssl_check_hostname: bool = True
    """Whether a broker's certificate must name the host that we called."""


class Topics(Group):
    """Topics."""

    claims_topic: Name = "claims.adjudication"
    """In: adjudication events of every claim. The platform's; any key, any partition count."""
    history_in_topic: Name = "member.transplant-history"
    """In: transplant history events. The platform's; any key, any partition count."""
    in_scope_topic: Name = "cg-trans-03.in-scope"
    """Internal: the in-scope claims, by member. The replay source, kept for ever."""
    history_topic: Name = "cg-trans-03.history"
    """Internal: the history events, by member. Compacted."""
    approve_topic: Name = "cg-trans-03.approve"
    """Out: decisions to approve."""
    deny_topic: Name = "cg-trans-03.deny"
    """Out: decisions to deny."""
    pend_topic: Name = "cg-trans-03.pend"
    """Out: decisions to pend."""
    history_drift_topic: Name = "cg-trans-03.history-drift"
    """Out: approvals that would not be given any more, since the member's history changed or a
    replay asked again."""
    shadow_topic: Name = "cg-trans-03.shadow"
    """Out: all decisions, and all drift, where `shadow` is on."""
    dead_letter_topic: Name = "cg-trans-03.dead-letter"
    """Out: what could not be used, as it came, with the reason in its headers."""
    partitions: Annotated[int, Field(ge=1, le=1000)] = 12
    """Partitions of our own topics: among how many a member's data is shared out. It cannot be
    changed later without laying the internal topics anew."""
    replication_factor: Annotated[int, Field(ge=1, le=10)] = 3
    """Copies of our own topics, when `topics create` makes them. 1 where there is one broker."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """How long decisions and dead letters are kept. A replay compares with decisions that are
    kept, so no less than `remember_max_age_days`, unless disks say otherwise."""
    max_claim_bytes: Bytes = 1_048_588
    """The largest record that the inbound topics let in, uncompressed."""
    max_message_bytes: Bytes = 2_097_152
    """The largest batch that our own topics take; at least `max_request_bytes`."""


class Decisions(Group):
    """Decisions.

    These change outcomes and are part of what a decision's id is made of.
    """

    missing_donor: Literal["pend", "presume_same"] = "pend"
    """A donor id missing on either side: pend, or take the lymphocyte donor to be the
    transplant's."""
    history: Literal["complete", "partial"] = "complete"
    """Whether a member's record holds every transplant. `partial`: what is denied only because
    no earlier or no allogeneic transplant is on file, pends."""
    unlisted_hematologic_diagnosis: Literal["pend", "deny"] = "pend"
    """What becomes of a hematologic malignancy that the coding section does not list."""
    adverse_determination: Literal["emit", "review"] = "emit"
    """Send denials as denials, or pend them for a clinician (many states ask for one)."""
    policy_dir: Path | None = None
    """Folder of guideline versions; by default those that come with the service."""
    applicability_file: Path | None = None
    """YAML file that says which plans adopted the guideline when, and what takes precedence; by
    default it is adopted everywhere and nothing does."""


class Shadow(Group):
    """Shadow mode."""

    shadow: bool = False
    """Decide and count, but send decisions and drift to `shadow_topic` alone. What was decided in
    one mode counts as never said in the other. A worker beside a live one takes `--role
    adjudicate` and an `adjudicate_group` of its own, and with it tables of its own."""


class Memory(Group):
    """State and replay."""

    data_dir: Path | None = None
    """Folder for RocksDB. Without one the history is held in memory and read anew from the
    changelog at every start."""
    remember_max_age_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """How long a decided claim is remembered, to be decided again when history arrives late."""
    remember_max_per_member: Annotated[int, Field(ge=1, le=100_000)] = 200
    """How many claims of one member are remembered at most; the oldest go first."""


class Reading(Group):
    """Reading and writing."""

    scope_group: Name = "cg-trans-03-scope"
    """Consumer group (and Faust app id) of the first hop."""
    adjudicate_group: Name = "cg-trans-03-adjudicate"
    """Consumer group (and Faust app id) of the second hop; its changelog topics are named after
    it."""
    group_instance_id: Name | None = None
    """A name of this worker that stays over a restart (static membership), such as the pod's.
    With one, a restart within the session time-out moves no partitions."""
    scan: Literal["batch", "plain"] = "batch"
    """How claims that cannot be in scope are passed over: whole batches in one search, or one
    record at a time (slower; for comparison)."""
    scan_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """How many large fetches of the core topic are scanned at a time. More than the cores that the
    worker may use gain nothing."""
    scan_sample_rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0001
    """Share of the passed-over records that is decoded and validated all the same, to notice
    what the search would overlook. About one a second of each partition at least, 25 a second of
    all at most. 0: none."""
    fetch_max_bytes: Bytes = 50 * 1024 * 1024
    """The most that one fetch brings."""
    fetch_max_partition_bytes: Bytes = 4 * 1024 * 1024
    """The most that one fetch brings of one partition."""
    fetch_max_wait_ms: Annotated[int, Field(ge=1, le=30_000)] = 500
    """How long a broker may wait for more before it answers a fetch."""
    max_in_flight_bytes: Bytes = 64 * 1024 * 1024
    """Records handed out and not yet done, in bytes a hop; reading pauses above it."""
    session_timeout_seconds: Seconds = 45.0
    """After how much silence the group takes a worker for dead and shares its partitions out."""
    commit_interval_seconds: Seconds = 1.0
    """How often finished work is committed. What was done since the last commit is done again
    after a crash."""
    max_request_bytes: Bytes = 2_097_152
    """The largest record that we send: `max_claim_bytes` and room for headers, at least."""
    producer_compression: Literal["gzip", "snappy", "lz4", "zstd"] | None = "zstd"
    """Codec of what we send; `none`: not compressed. aiokafka's lz4 is its slowest level."""
    producer_batch_bytes: Bytes = 1_048_576
    """How much of one partition is gathered into one batch, before it is compressed. Of several
    batches each waits for the broker's word on the one before it."""

    @field_validator("producer_compression", mode="before")
    @classmethod
    def _none_is_a_word(cls, value: object) -> object:
        return None if value == "none" else value


class Running(Group):
    """Running."""

    metrics_host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    """Address on which metrics and health are served. In a container: `0.0.0.0`."""
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = 9464
    """Port of metrics and health. 0: a free one, named in the log."""
    tracing_endpoint: Url | None = None
    """Where to send traces (OTLP over HTTP), such as `http://collector:4318`; needs the extra
    `tracing`. OpenTelemetry's own `OTEL_` variables are heeded, too: they turn it on as well, and
    say how much is sampled. Off by default."""
    shutdown_timeout_seconds: Seconds = 20.0
    """How long a stop waits for the running batch before it gives up."""
    log_format: Literal["auto", "json", "human"] = "auto"
    """How log lines look; `auto`: for people on a terminal, else JSON."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe line that is logged."""


GROUPS = (Cluster, Topics, Decisions, Shadow, Memory, Reading, Running)


class Settings(Running, Reading, Memory, Shadow, Decisions, Topics, Cluster):
    """All settings. Every one has a default; values are checked, and checked against each other."""

    @property
    def decision(self) -> DecisionSettings:
        """The settings that change outcomes, as the rules take them."""
        return DecisionSettings(
            missing_donor=self.missing_donor,
            history=self.history,
            unlisted_hematologic_diagnosis=self.unlisted_hematologic_diagnosis,
            adverse_determination=self.adverse_determination,
        )

    @model_validator(mode="before")
    @classmethod
    def _empty_means_none(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Let `key=` take an optional setting back; a path must never become the work folder."""
        optional = {name for name, field in cls.model_fields.items() if _is_optional(field)}
        return {k: None if v == "" and k in optional else v for k, v in values.items()}

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Self:
        if self.security_protocol.startswith("SASL_"):
            if not self.sasl_username:
                raise ValueError(f"{self.security_protocol} needs sasl_username")
            if self.sasl_password is None:
                raise ValueError(
                    f"{self.security_protocol} needs sasl_password or sasl_password_file"
                )
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile go together")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.max_request_bytes < self.max_claim_bytes + HEADER_ROOM_BYTES:
            raise ValueError(
                f"max_request_bytes must be at least max_claim_bytes + {HEADER_ROOM_BYTES}: "
                "the largest claim is copied with more headers"
            )
        if self.max_message_bytes < self.max_request_bytes:
            raise ValueError("max_message_bytes must be at least max_request_bytes")
        return self

    @model_validator(mode="after")
    def _topics_differ(self) -> Self:
        names = [getattr(self, name) for name in Topics.model_fields if name.endswith("_topic")]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two topics share the name {', '.join(twice)}")
        return self


def _is_optional(field: FieldInfo) -> bool:
    return NoneType in get_args(field.annotation)
