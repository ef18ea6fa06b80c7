"""How we reach the cluster: SASL and TLS settings in Faust's and in aiokafka's words."""

import ssl
from typing import Any

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from stream_app.errors import UsageError
from stream_app.settings import Settings


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context, or None where the cluster is reached in the clear."""
    if not settings.security_protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(
            cafile=None if settings.ssl_cafile is None else str(settings.ssl_cafile)
        )
        context.check_hostname = settings.ssl_check_hostname
        if settings.ssl_certfile is not None:
            password = settings.ssl_key_password
            context.load_cert_chain(
                settings.ssl_certfile,
                settings.ssl_keyfile,
                # Empty rather than none: OpenSSL would ask the terminal.
                "" if password is None else password.get_secret_value(),
            )
    except (ssl.SSLError, OSError) as failure:
        names = [settings.ssl_cafile, settings.ssl_certfile, settings.ssl_keyfile]
        files = ", ".join(str(name) for name in names if name is not None)
        raise UsageError(
            f"the certificates could not be used ({failure.__class__.__name__}); look at {files}: "
            "each must be PEM, the key must fit the certificate and its password be right"
        ) from None
    return context


def broker_credentials(settings: Settings) -> CredentialsT | None:
    """What Faust takes."""
    context = ssl_context(settings)
    if settings.security_protocol.startswith("SASL_"):
        password = settings.sasl_password
        return SASLCredentials(
            username=settings.sasl_username,
            password=None if password is None else password.get_secret_value(),
            ssl_context=context,
            mechanism=settings.sasl_mechanism,
        )
    return None if context is None else SSLCredentials(context)


def client_options(settings: Settings) -> dict[str, Any]:
    """What aiokafka's own clients take."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if settings.security_protocol.startswith("SASL_"):
        password = settings.sasl_password
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": None if password is None else password.get_secret_value(),
        }
    return options
