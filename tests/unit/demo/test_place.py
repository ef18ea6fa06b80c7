import pytest

from stream_app.demo.place import cluster_only, given_cluster, given_place, local_place
from stream_app.settings import Settings, load_settings
from stream_app.settings.model import Decisions


@pytest.fixture(autouse=True)
def _no_cluster_given(monkeypatch):
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


def test_a_broker_is_started_when_no_cluster_is_named():
    assert given_cluster() is None


@pytest.mark.parametrize("name", ["KAFKA_BOOTSTRAP_SERVERS", "CG_TRANS_03_BOOTSTRAP_SERVERS"])
def test_a_cluster_is_used_when_it_is_named(monkeypatch, name):
    monkeypatch.setenv(name, "broker:9092")

    given = given_cluster()

    assert given is not None
    assert given.settings.bootstrap_servers == "broker:9092"


def test_only_how_to_reach_a_cluster_is_taken_from_the_environment():
    environ = {
        "PATH": "/bin",
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9092",
        "CG_TRANS_03_SASL_USERNAME": "somebody",
        "CG_TRANS_03_SETTINGS_FILE": "settings.toml",
        "CG_TRANS_03_MISSING_DONOR": "presume_same",
        "CG_TRANS_03_CLAIMS_TOPIC": "claims.of.production",
    }

    kept = cluster_only(environ)

    assert set(environ) - set(kept) == {"CG_TRANS_03_MISSING_DONOR", "CG_TRANS_03_CLAIMS_TOPIC"}


def test_decisions_are_made_under_default_settings_when_the_caller_has_others(
    tmp_path, monkeypatch
):
    theirs = tmp_path / "theirs.toml"
    theirs.write_text('missing_donor = "presume_same"\nclaims_topic = "claims.of.production"\n')
    monkeypatch.setenv("CG_TRANS_03_SETTINGS_FILE", str(theirs))
    monkeypatch.setenv("CG_TRANS_03_ADVERSE_DETERMINATION", "review")

    place = local_place(tmp_path, "127.0.0.1:1234")

    default = Settings()
    assert place.settings.bootstrap_servers == "127.0.0.1:1234"
    assert place.settings.claims_topic == default.claims_topic
    for name in Decisions.model_fields:
        assert getattr(place.settings, name) == getattr(default, name)


def test_every_topic_and_group_has_a_name_of_its_own_on_a_given_cluster(tmp_path):
    one, other = (given_place(tmp_path, brokers=5) for _ in range(2))

    def names(place):
        dumped = place.settings.model_dump()
        return {v for k, v in dumped.items() if k.endswith(("_topic", "_group"))}

    assert len(names(one)) == 12
    assert all(name.startswith(f"{one.prefix}.") for name in names(one))
    assert not names(one) & names(other)
    assert one.settings.replication_factor == 3


def test_the_worker_sees_the_same_settings_when_it_is_given_the_file(tmp_path):
    place = local_place(tmp_path, "127.0.0.1:1234")

    assert load_settings([str(place.settings_file)], {}).settings == place.settings
