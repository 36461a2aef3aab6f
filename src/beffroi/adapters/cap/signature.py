"""Whose alert is it? XML signatures over whole alerts, by certificates that the commune has listed.

The certificate inside a message is never trusted for what it is: it must be one that was pinned
beforehand for this very sender (a certificate of the public web proves a domain, not an authority).
Only the tree that was signed is read. Some senders sign first and lay the document out afterwards;
then the signature holds for the document without the white space between its elements, and that
document, which says the same, is the one that is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from beffroi.adapters.cap.safe_xml import parse
from beffroi.adapters.cap.write import write
from beffroi.adapters.cap.xml import DS, alert_of
from beffroi.model.cap import Alert, CapError

_METHODS = frozenset(
    {
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


@dataclass(frozen=True, slots=True)
class Authority:
    """A sender and the certificates (PEM or DER) with which it signs now."""

    sender: str
    certificates: tuple[bytes, ...]


def verified(raw: bytes, authorities: Sequence[Authority], at_ms: int) -> Alert:
    """The alert, if a listed authority has signed all of it and its certificate is valid at
    `at_ms` (when it is received). CapError says what is wrong."""
    root = parse(raw)
    claimed = alert_of(root)  # nothing of it is trusted yet; it only says whose key to try
    pinned = [one for one in authorities if one.sender == claimed.sender]
    if not pinned:
        raise CapError(f"{claimed.sender} is not a listed authority")
    certificates = [certificate(data) for one in pinned for data in one.certificates]
    shown = _shown(root)
    match = next((c for c in certificates if c.public_bytes(Encoding.DER) == shown), None)
    if match is None:
        raise CapError(f"signed with a certificate that is not listed for {claimed.sender}")
    alert = _signed_by(match, raw, at_ms)
    if alert != claimed:
        raise CapError("what is signed is not what stands there")
    return alert


def _signed_by(pinned: x509.Certificate, raw: bytes, at_ms: int) -> Alert:
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=datetime.fromtimestamp(at_ms / 1000, UTC),
    )
    problem = ""
    for bare in (False, True):
        try:
            found = XMLVerifier().verify(
                parse(raw, bare=bare), x509_cert=pinned, expect_config=config
            )
        except (SignXMLException, etree.LxmlError, UnsupportedAlgorithm, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"[:200]
            continue
        if isinstance(found, list) or found.signed_xml is None:
            raise CapError("the signature is not over the alert")
        return alert_of(found.signed_xml)
    raise CapError(f"the signature does not hold ({problem})")


def _shown(root: etree._Element) -> bytes:
    """The certificate that the message itself carries."""
    signatures = root.findall(f"{{{DS}}}Signature")
    if len(signatures) != 1 or len(root.findall(f".//{{{DS}}}Signature")) != 1:
        raise CapError(f"{len(signatures)} signatures, not one")
    texts = signatures[0].findall(f"{{{DS}}}KeyInfo/{{{DS}}}X509Data/{{{DS}}}X509Certificate")
    if len(texts) != 1:
        raise CapError(f"{len(texts)} certificates in the signature, not one")
    lines = "".join((texts[0].text or "").split())
    pem = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    return certificate(pem.encode()).public_bytes(Encoding.DER)


def certificate(data: bytes) -> x509.Certificate:
    """PEM or DER. CapError."""
    try:
        if data.startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise CapError(f"an unreadable certificate: {error}"[:200]) from error


def signed(alert: Alert, key: PrivateKeyTypes, shown: bytes) -> bytes:
    """The XML of an alert with an enveloped ECDSA-SHA256 signature; `shown` is its certificate."""
    signer = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256)
    pem = certificate(shown).public_bytes(Encoding.PEM).decode()
    root = signer.sign(write(alert), key=key, cert=pem)  # type: ignore[arg-type]
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))
