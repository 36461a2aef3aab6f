"""Time stamps of a checkpoint by an authority (RFC 3161). Optional: the `timestamp` extra.

Asks nothing over a network: makes the request and checks the answer; carrying both is the user's.
"""

from __future__ import annotations

from cryptography import x509

from beffroi.evidence.limits import STAMP_BYTES_MAX
from beffroi.evidence.vouched import StampCheck
from beffroi.ports.log_store import LogError


def stamp_request(body: bytes) -> bytes:
    """What to send to the authority for the body of a checkpoint."""
    _installed()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    return (
        TimestampRequestBuilder().data(body).hash_algorithm(HashAlgorithm.SHA512).build().as_bytes()
    )


def checker(authority: bytes) -> StampCheck:
    """`authority`: PEM certificates; self-signed ones are roots, others lead to them. LogError when
    there is no root among them."""
    _installed()
    try:
        certificates = x509.load_pem_x509_certificates(authority)
    except ValueError as error:
        raise LogError(f"the certificate of the authority is not PEM: {error}") from error
    roots = [one for one in certificates if one.issuer == one.subject]
    if not roots:
        raise LogError("no root among these certificates: add the one the authority is signed by")
    between = [one for one in certificates if one not in roots]
    return lambda stamp, body: _checked(stamp, body, roots, between)


def _checked(
    stamp: bytes, body: bytes, roots: list[x509.Certificate], between: list[x509.Certificate]
) -> tuple[int, str]:
    from rfc3161_client import VerifierBuilder, decode_timestamp_response
    from rfc3161_client.errors import VerificationError

    if len(stamp) > STAMP_BYTES_MAX:
        raise ValueError(f"{len(stamp)} bytes")
    verifier = VerifierBuilder(roots=list(roots), intermediates=list(between)).build()
    try:
        answer = decode_timestamp_response(stamp)
        verifier.verify_message(answer, body)
        seconds = int(answer.tst_info.gen_time.timestamp())
    except (VerificationError, ValueError, AssertionError) as error:
        raise ValueError(str(error).splitlines()[0][:200]) from error
    return seconds, roots[0].subject.rfc4514_string()


def _installed() -> None:
    try:
        import rfc3161_client  # noqa: F401 - only to say clearly that it is missing
    except ImportError as error:
        raise LogError(
            "rfc3161-client is missing: `make setup` in Beffroi's folder installs it"
        ) from error
