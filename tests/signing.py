"""Signs pictures as a camera or a generator would, with certificates made on the spot."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

from c2pa import Builder, C2paSignerInfo, Context, Settings, Signer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def signed(
    picture: Path,
    *,
    actions: list[dict[str, object]],
    generator: str = "Test Camera",
    status_url: str | None = None,
    remote_url: str | None = None,
    assertions: Sequence[dict[str, object]] = (),
    valid_days: tuple[float, float] = (-1, 30),
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> bytes:
    """The JPEG or PNG `picture` with a C2PA manifest that claims `actions`, and has further `assertions`.

    The certificate is valid from and until so many days from now (`valid_days`), for a `purpose`.

    `status_url` is where the certificate's status (OCSP) could be asked for; with `remote_url` the manifest is said to lie there,
    and is not in the file.
    """
    manifest = {
        "claim_generator_info": [{"name": generator, "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}, *assertions],
    }
    form = "image/png" if picture.suffix == ".png" else "image/jpeg"
    target = BytesIO()
    with (
        Settings.from_dict({"verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}) as settings,
        Context(settings) as context,
        Signer.from_info(_signer(status_url, valid_days, purpose)) as signer,
        Builder(json.dumps(manifest), context=context) as builder,
        picture.open("rb") as source,
    ):
        if remote_url is not None:
            builder.set_no_embed()
            builder.set_remote_url(remote_url)
        builder.sign(signer, form, source, target)
    return target.getvalue()


def _signer(status_url: str | None, valid_days: tuple[float, float], purpose: x509.ObjectIdentifier) -> C2paSignerInfo:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Test Root", "Test Root", root_key, root_key, is_root=True)
    leaf = _certificate(
        "Test Signer", "Test Root", key, root_key, is_root=False, status_url=status_url, valid_days=valid_days, purpose=purpose
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, root))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return C2paSignerInfo("es256", chain, private, None)


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuers_key: ec.EllipticCurvePrivateKey,
    *,
    is_root: bool,
    status_url: str | None = None,
    valid_days: tuple[float, float] = (-1, 30),
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
) -> x509.Certificate:
    """As the C2PA specification wants it: a leaf for e-mail protection, which may sign and no more."""
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) + timedelta(days=valid_days[0]))
        .not_valid_after(datetime.now(UTC) + timedelta(days=valid_days[1]))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, **usage), critical=True
        )
    )
    if not is_root:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if status_url is not None:
        place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(status_url))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    return builder.sign(issuers_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, common)])
