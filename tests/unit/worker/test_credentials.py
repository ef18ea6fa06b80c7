"""Settings of the cluster in Faust's words and in aiokafka's."""

import ssl
from pathlib import Path

import pytest
from faust.auth import SASLCredentials, SSLCredentials

from stream_app.errors import UsageError
from stream_app.settings import Settings
from stream_app.worker.credentials import broker_credentials, client_options

SASL = {"sasl_username": "worker", "sasl_password": "s3cret", "sasl_mechanism": "SCRAM-SHA-256"}


def test_nothing_is_said_when_the_cluster_is_open() -> None:
    settings = Settings(**SASL)  # names alone turn nothing on
    assert broker_credentials(settings) is None
    assert client_options(settings) == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_user_password_and_mechanism_reach_both_clients_when_sasl_is_on(protocol: str) -> None:
    settings = Settings(security_protocol=protocol, **SASL)
    faust = broker_credentials(settings)
    assert isinstance(faust, SASLCredentials)
    assert (faust.username, faust.password) == ("worker", "s3cret")
    assert faust.mechanism is not None
    assert faust.mechanism.value == "SCRAM-SHA-256"
    assert faust.protocol.value == protocol
    options = client_options(settings)
    assert options["security_protocol"] == protocol
    assert options["sasl_mechanism"] == "SCRAM-SHA-256"
    assert options["sasl_plain_username"] == "worker"
    assert options["sasl_plain_password"] == "s3cret"
    assert (options["ssl_context"] is not None) == (protocol == "SASL_SSL")


def test_brokers_are_verified_when_tls_is_on() -> None:
    faust = broker_credentials(Settings(security_protocol="SSL"))
    assert isinstance(faust, SSLCredentials)
    context = client_options(Settings(security_protocol="SSL"))["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    lax = Settings(security_protocol="SSL", ssl_check_hostname=False)
    context = client_options(lax)["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert not context.check_hostname


def test_file_is_named_and_nothing_shown_when_a_certificate_is_none(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("s3cret, but no certificate")
    settings = Settings(security_protocol="SSL", ssl_cafile=broken)
    with pytest.raises(UsageError) as refused:
        broker_credentials(settings)
    assert str(broken) in str(refused.value)
    assert "s3cret" not in str(refused.value)
