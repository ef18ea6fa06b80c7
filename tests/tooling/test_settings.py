"""Settings: who wins, what is refused, what is never shown."""

import json
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from stream_app.cli.main import main
from stream_app.errors import UsageError
from stream_app.rules.settings import DecisionSettings
from stream_app.settings import Loaded, Settings, load_settings
from stream_app.settings.model import GROUPS
from stream_app.settings.show import as_env, as_json, as_markdown, as_text, as_toml

CANARY = "hunter2-canary"


def load(*overrides: str, **environ: str) -> Loaded:
    return load_settings(overrides, environ)


def refused(*overrides: str, **environ: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(*overrides, **environ)
    return str(caught.value)


def test_everything_has_a_default_when_nothing_is_given() -> None:
    assert load() == Loaded(Settings(), {})


def test_the_stronger_place_wins_when_a_setting_stands_in_several(tmp_path: Path) -> None:
    """--settings key=value over the environment over --settings FILE over SETTINGS_FILE."""
    weak, strong = tmp_path / "weak.toml", tmp_path / "strong.yaml"
    weak.write_text("metrics_port = 1\npartitions = 1\nretention_days = 1\nlog_level = 'ERROR'\n")
    strong.write_text("metrics_port: 2\npartitions: 2\nretention_days: 2\n")
    loaded = load(
        "partitions=4",
        str(strong),
        CG_TRANS_03_SETTINGS_FILE=str(weak),
        CG_TRANS_03_PARTITIONS="3",
        CG_TRANS_03_RETENTION_DAYS="3",
    )
    found = {
        name: (getattr(loaded.settings, name), loaded.origin(name))
        for name in ("partitions", "retention_days", "metrics_port", "log_level", "log_format")
    }
    assert found == {
        "partitions": (4, "--settings partitions"),
        "retention_days": (3, "CG_TRANS_03_RETENTION_DAYS"),
        "metrics_port": (2, str(strong)),
        "log_level": ("ERROR", str(weak)),
        "log_format": ("auto", "default"),
    }


def test_the_last_one_wins_when_the_command_line_names_a_setting_twice() -> None:
    assert load("partitions=4", "partitions=5").settings.partitions == 5


def test_the_prefixed_variable_wins_when_both_name_the_brokers() -> None:
    assert load(KAFKA_BOOTSTRAP_SERVERS="a:1").settings.bootstrap_servers == "a:1"
    both = load(KAFKA_BOOTSTRAP_SERVERS="a:1", CG_TRANS_03_BOOTSTRAP_SERVERS="b:2")
    assert both.settings.bootstrap_servers == "b:2"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.toml", 'log_level = "DEBUG"'),
        ("s.yaml", "log_level: DEBUG"),
        ("s.yml", "log_level: DEBUG"),
        ("s.json", '{"log_level": "DEBUG"}'),
    ],
)
def test_a_file_is_read_by_its_ending_when_given(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert load(str(tmp_path / name)).settings.log_level == "DEBUG"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("s.toml", "log_level = ", "not TOML"),
        ("s.yaml", "a: [", "line 1: not YAML"),
        ("s.yaml", f"sasl_password: {CANARY}\nsasl_password: x", "line 2: a name stands twice"),
        ("s.yaml", "- a", "must hold names and values"),
        ("s.json", "{", "not JSON"),
        ("s.ini", "", "ends in .toml, .yaml or .json"),
        ("s.toml", "\udcff", "not UTF-8"),
        ("s.toml", 'log_levl = "DEBUG"', "s.toml: no setting is called 'log_levl'; did you mean"),
        ("s.toml", 'log_level = "LOUD"', "s.toml: log_level: must be 'DEBUG', 'INFO', "),
        ("s.toml", "[kafka]\na = 1", "no setting is called 'kafka'"),
    ],
)
def test_file_and_fault_are_named_when_a_file_is_wrong(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
    message = refused(str(tmp_path / name))
    assert message.startswith(str(tmp_path / name))
    assert words in message
    assert CANARY not in message


def test_all_faults_are_told_at_once_when_there_are_several() -> None:
    message = refused("metrc_port=1", "partitions=many", CG_TRANS_03_FOO="1")
    assert message.splitlines() == [
        "3 settings:",
        "  CG_TRANS_03_FOO: no setting is called 'foo'; see 'cg-trans-03 config --help'",
        "  --settings metrc_port: no setting is called 'metrc_port'; did you mean 'metrics_port'?",
        "  --settings partitions: must be a valid integer, unable to parse string as an integer",
    ]


def test_what_kubernetes_sets_by_itself_is_passed_over_when_a_service_has_our_name() -> None:
    """Else a pod beside a service called cg-trans-03-metrics would refuse to start."""
    environ = {
        "CG_TRANS_03_PORT": "tcp://10.0.0.1:80",
        "CG_TRANS_03_PORT_80_TCP": "tcp://10.0.0.1:80",
        "CG_TRANS_03_PORT_80_TCP_PROTO": "tcp",
        "CG_TRANS_03_SERVICE_HOST": "10.0.0.1",
        "CG_TRANS_03_SERVICE_PORT_HTTP": "80",
        "CG_TRANS_03_METRICS_PORT": "tcp://10.0.0.1:9464",
        "CG_TRANS_03_METRICS_SERVICE_PORT": "9464",
    }
    assert load(**environ) == Loaded(Settings(), {})


def test_a_variable_counts_as_not_set_when_it_is_empty() -> None:
    assert load(CG_TRANS_03_PARTITIONS="", KAFKA_BOOTSTRAP_SERVERS="").origins == {}


def test_an_optional_setting_is_taken_back_when_its_value_is_empty() -> None:
    """And a path never quietly becomes the folder one happens to stand in."""
    assert load("data_dir=", CG_TRANS_03_DATA_DIR="/data").settings.data_dir is None
    assert load("producer_compression=none").settings.producer_compression is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["security_protocol=SASL_SSL"], "SASL_SSL needs sasl_username"),
        (["security_protocol=SASL_SSL", "sasl_username=u"], "needs sasl_password"),
        (["ssl_cafile=absent.pem"], "ssl_cafile: no such file"),
        ([f"ssl_certfile={__file__}"], "ssl_certfile and ssl_keyfile go together"),
        (["max_claim_bytes=2097152"], "max_request_bytes must be at least max_claim_bytes + 16384"),
        (["max_message_bytes=1048576"], "max_message_bytes must be at least max_request_bytes"),
        (["deny_topic=x", "pend_topic=x"], "two topics share the name x"),
        (["deny_topic=a b"], "deny_topic: String should match pattern"),
        (["bootstrap_servers=host"], "bootstrap_servers: String should match pattern"),
        (["scan_sample_rate=nan"], "scan_sample_rate: "),
        (["metrics_host="], "metrics_host: "),
    ],
)
def test_settings_are_refused_when_they_cannot_work(overrides: list[str], words: str) -> None:
    assert words in refused(*overrides)


def test_a_password_comes_from_its_file_when_one_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(CANARY + "\n")
    loaded = load(
        "security_protocol=SASL_SSL", "sasl_username=u", CG_TRANS_03_SASL_PASSWORD_FILE=str(secret)
    )
    assert loaded.settings.sasl_password == SecretStr(CANARY)
    assert loaded.origin("sasl_password") == "CG_TRANS_03_SASL_PASSWORD_FILE"
    assert "not both" in refused(f"sasl_password_file={secret}", "sasl_password=x")
    assert "No such file" in refused("sasl_password_file=/nonexistent/password")


def test_no_secret_is_shown_when_settings_are_printed_or_refused() -> None:
    """The canary: a password appears in no output, representation or error."""
    given_secrets = {
        "CG_TRANS_03_SASL_PASSWORD": CANARY,
        "CG_TRANS_03_SSL_KEY_PASSWORD": CANARY,
    }
    loaded = load(**given_secrets)
    shown = [as_text(loaded), as_toml(loaded), as_env(loaded), as_json(loaded), repr(loaded)]
    assert not [text for text in shown if CANARY in text]
    assert "(hidden)" in as_text(loaded)
    assert CANARY not in refused("partitions=x", f"sasl_pasword={CANARY}", **given_secrets)
    assert CANARY not in refused(f"partitions={CANARY}", **given_secrets)


def _again(text: str, ending: str, folder: Path) -> Settings:
    path = folder / f"again{ending}"
    path.write_text(text)
    return load(str(path)).settings


def test_the_same_settings_come_back_when_printed_ones_are_read(tmp_path: Path) -> None:
    loaded = load("data_dir=/a b/c'd", "partitions=7", "producer_compression=none", "scan=plain")
    assert _again(as_toml(loaded), ".toml", tmp_path) == loaded.settings
    assert _again(as_json(loaded), ".json", tmp_path) == loaded.settings
    assert set(tomllib.loads(as_toml(loaded))) <= set(Settings.model_fields)
    assert "CG_TRANS_03_PARTITIONS=7" in as_env(loaded).splitlines()
    assert "CG_TRANS_03_DATA_DIR='/a b/c'\\''d'" in as_env(loaded).splitlines()


def test_every_setting_is_in_one_group_and_explained_when_documented() -> None:
    grouped = [name for group in GROUPS for name in group.model_fields]
    assert sorted(grouped) == sorted(Settings.model_fields)
    unexplained = [name for name, field in Settings.model_fields.items() if not field.description]
    assert unexplained == []


def test_the_page_of_settings_is_current_when_the_model_changes(repo: Path) -> None:
    assert (repo / "docs" / "settings.md").read_text() == as_markdown(), "run `make docs`"


def test_the_rules_see_the_same_names_and_defaults_when_deciding() -> None:
    """A decision setting that only one side knows would silently do nothing."""
    assert Settings().decision == DecisionSettings()
    for name in DecisionSettings.__struct_fields__:
        assert Settings.model_fields[name].annotation is not None
    other = load(
        "missing_donor=presume_same",
        "history=partial",
        "unlisted_hematologic_diagnosis=deny",
        "adverse_determination=review",
    )
    assert other.settings.decision == DecisionSettings("presume_same", "partial", "deny", "review")


def test_every_setting_is_read_by_somebody_when_searched_for(repo: Path) -> None:
    """A setting that nothing reads is a promise that is not kept."""
    own = repo / "stream_app" / "settings"
    code = "\n".join(
        path.read_text() for path in (repo / "stream_app").rglob("*.py") if own not in path.parents
    )
    through = {*DecisionSettings.__struct_fields__, "sasl_password_file", "ssl_key_password_file"}
    unread = [name for name in Settings.model_fields if f".{name}" not in code]
    assert [name for name in unread if name not in through] == []


@given(st.text(max_size=20))
def test_only_our_own_error_is_raised_when_anything_is_given(text: str) -> None:
    with suppress(UsageError):
        load_settings([text], {})


def test_meaning_and_values_are_printed_when_a_setting_is_asked_for() -> None:
    result = CliRunner().invoke(main, ["config", "missing_donor"])
    assert result.exit_code == 0
    assert "pend, or take the lymphocyte donor" in result.stdout
    assert "partitions" not in result.stdout
    wrong = CliRunner().invoke(main, ["config", "missing_doner"])
    assert (wrong.exit_code, "did you mean 'missing_donor'?" in wrong.stderr) == (2, True)


def test_json_is_printed_when_asked_for() -> None:
    result = CliRunner().invoke(main, ["config", "--format", "json"])
    assert json.loads(result.stdout)["history"] == "complete"
