"""A broker behind TLS: certificates made for one run, a door for each way to prove oneself."""

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from stream_app.local_kafka.server_properties import HOST, Secured, free_ports
from tests.deploy.conftest import skip_or_fail

USER, PASSWORD, KEY_PASSWORD = "worker", "a password, of course", "another one"


class Certificates(NamedTuple):
    """Self-signed ones, so that each is its own authority."""

    server: Path
    server_key: Path
    client: Path
    client_key: Path
    """Locked with KEY_PASSWORD."""


def make_certificates(folder: Path) -> Certificates:
    """Certificates of a broker on loopback and of one client."""
    if shutil.which("openssl") is None:
        skip_or_fail("no openssl: on Debian: apt-get install openssl")
    server, client = folder / "server.pem", folder / "client.pem"
    locked = ["-passout", f"pass:{KEY_PASSWORD}"]
    for certificate, lock in [(server, ["-nodes"]), (client, locked)]:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", *lock),
                *("-subj", f"/CN={certificate.stem}", "-addext", f"subjectAltName=IP:{HOST}"),
                *("-keyout", certificate.with_suffix(".key"), "-out", certificate),
            ],
            check=True,
            capture_output=True,
        )
    return Certificates(server, server.with_suffix(".key"), client, client.with_suffix(".key"))


def secured(certificates: Certificates) -> Secured:
    """Two doors: one that asks for the client's certificate, one for a password."""
    ssl_port, sasl_port = free_ports(2)
    store = certificates.server.with_suffix(".store.pem")
    store.write_text(certificates.server_key.read_text() + certificates.server.read_text())
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return Secured(
        [("SSL", ssl_port), ("SASL_SSL", sasl_port)],
        {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(certificates.client),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login,
        },
    )


def add_user(bootstrap_servers: str) -> None:
    """Let the broker know the worker's password."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wanted = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.alter_user_scram_credentials([wanted]).values():
        future.result(30)


def settings_for(protocol: str, doors: Secured, certificates: Certificates) -> dict[str, Any]:
    """The settings of a worker that comes through this door."""
    proof: dict[str, Any] = {
        "SSL": {
            "ssl_certfile": certificates.client,
            "ssl_keyfile": certificates.client_key,
            "ssl_key_password": KEY_PASSWORD,
        },
        "SASL_SSL": {"sasl_username": USER, "sasl_password": PASSWORD},
    }[protocol]
    return proof | {
        "bootstrap_servers": f"{HOST}:{dict(doors.ports)[protocol]}",
        "security_protocol": protocol,
        "ssl_cafile": certificates.server,
    }


def client_context(certificates: Certificates) -> ssl.SSLContext:
    """TLS as the client with the certificate."""
    context = ssl.create_default_context(cafile=str(certificates.server))
    context.load_cert_chain(certificates.client, certificates.client_key, KEY_PASSWORD)
    return context
