"""What each topic must be, and what is said where it is not."""

from typing import Any

import pytest

from stream_app.settings import Settings
from stream_app.worker.topics import TopicSpec, _faults, topic_specs


def _specs(**overrides: Any) -> dict[str, TopicSpec]:
    return {spec.name: spec for spec in topic_specs(Settings(**overrides))}


def test_members_share_one_partition_count_when_topics_are_laid_out() -> None:
    specs = _specs(partitions=7)
    for name in (
        "cg-trans-03.in-scope",
        "cg-trans-03.history",
        "cg-trans-03-adjudicate-history-changelog",
        "cg-trans-03-adjudicate-claims-changelog",
    ):
        assert specs[name].partitions == 7


def test_nothing_ever_expires_when_replay_or_state_rest_on_it() -> None:
    specs = _specs()
    assert specs["cg-trans-03.in-scope"].config["retention.ms"] == "-1"
    assert specs["cg-trans-03.in-scope"].config["cleanup.policy"] == "delete"
    for name, spec in specs.items():
        if name.endswith(("history", "changelog")) and not spec.inbound:
            assert spec.config["cleanup.policy"] == "compact"


def test_platform_decides_on_partitions_when_a_topic_is_its_own() -> None:
    inbound = [spec for spec in topic_specs(Settings()) if spec.inbound]
    assert [spec.name for spec in inbound] == ["claims.adjudication", "member.transplant-history"]
    assert all(spec.partitions is None for spec in inbound)


def test_every_topic_of_the_settings_has_a_spec() -> None:
    settings = Settings()
    named = {getattr(settings, name) for name in Settings.model_fields if name.endswith("_topic")}
    assert named <= set(_specs())


def test_outputs_take_the_largest_record_when_created() -> None:
    for spec in topic_specs(Settings(max_message_bytes=3_000_000)):
        if not spec.inbound:
            assert spec.config["max.message.bytes"] == "3000000"


@pytest.mark.parametrize(
    ("partitions", "config", "said"),
    [
        (12, {}, []),
        (12, {"max.message.bytes": "9999999"}, []),
        (3, {}, ["has 3 partitions, the setting `partitions` says 12"]),
        (12, {"max.message.bytes": "7"}, ["max.message.bytes is 7, below 2097152"]),
        (12, {"cleanup.policy": "compact,delete"}, ["cleanup.policy is compact,delete, must be"]),
        (3, {"retention.ms": "5"}, ["has 3 partitions", "retention.ms is 5, must be -1"]),
    ],
)
def test_faults_are_those_of_the_topic_when_it_is_checked(
    partitions: int, config: dict[str, str], said: list[str]
) -> None:
    spec = _specs()["cg-trans-03.in-scope"]
    faults = list(_faults(spec, partitions, {**spec.config, **config}, Settings()))
    assert len(faults) == len(said)
    for fault, words in zip(faults, said, strict=True):
        assert fault.startswith("cg-trans-03.in-scope: ")
        assert words in fault


def test_inbound_topic_is_refused_when_its_records_could_not_be_forwarded() -> None:
    spec = _specs()["claims.adjudication"]
    (fault,) = _faults(spec, 400, {"max.message.bytes": "1048589"}, Settings())
    assert "CG_TRANS_03_MAX_CLAIM_BYTES" in fault
    assert list(_faults(spec, 400, {"max.message.bytes": "1048588"}, Settings())) == []
