"""C2PA manifests, signed records of how a picture was made: read by c2pa-python (extra `provenance`), kept off the network."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from scanner.domain.evidence import CHANGED, EDITED, EXPIRED, NOT_UNDERSTOOD, UNTRUSTED, UNVERIFIED, VALID, Evidence, Kind

from .fields import Field
from .source_types import source_type

# The type (ISO 19566-5) of the outermost box of a manifest store, as it stands in a file of any format.
_BOX = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
# Nothing is fetched: no manifest that lies elsewhere, no status of a certificate.
_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"allowed_network_hosts": [], "allow_redirects": False},
}
_MIME = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
# What changes no picture (https://spec.c2pa.org, actions); everything else that is done to one is an edit.
_NO_EDIT = frozenset(
    "c2pa." + name
    for name in (
        *("created", "opened", "published", "placed", "transcoded", "repackaged", "converted"),
        *("watermarked", "watermarked.bound", "watermarked.unbound"),
    )
)
# Codes (https://spec.c2pa.org, validation) that say that the picture or its record is not what was signed,
_CHANGES = frozenset(
    f"{part}.mismatch"
    for part in (
        *(
            "claimSignature",
            "hashedURI",
            "assertion.hashedURI",
            "assertion.dataHash",
            "assertion.bmffHash",
            "assertion.boxesHash",
        ),
        *("assertion.collectionHash", "assertion.multiAssetHash"),
    )
) | {"assertion.missing"}
# that only time has passed,
_EXPIRY = frozenset(("signingCredential.expired", "claimSignature.outsideValidity", "timeOfSigning.outsideValidity"))
# and that the certificate is no good for signing. That it is on no list of trust is said of all: none is configured.
_TRUST = frozenset(
    f"signingCredential.{how}" for how in ("invalid", "revoked", "ocsp.revoked", "ocsp.unknown", "ocsp.inaccessible")
)
_NOT_LISTED = "signingCredential.untrusted"
_TEXTS = {
    VALID: "signed by {signer}, unchanged since; whether that is whom the name says is not checked",
    CHANGED: "the picture or its record was changed since {signer} signed it",
    EXPIRED: "signed by {signer}, whose certificate is out of date; that says nothing of a change",
    UNTRUSTED: "signed by {signer} with a certificate that is not to be trusted; that says nothing of a change",
    NOT_UNDERSTOOD: "signed by {signer}; the record is not understood, which says nothing of a change",
}
# A hostile manifest may list more.
_MANIFESTS, _ACTIONS = 50, 200
_WHERE = "C2PA manifest"


def has_record(content: bytes) -> bool:
    """Whether there seems to be a manifest in `content`."""
    return _BOX in content


def manifest_traces(content: bytes, form: str) -> tuple[tuple[Evidence, ...], tuple[Field, ...]]:
    """What the manifest of `content`, a picture of Pillow's format `form`, shows; and the programs that it names."""
    try:
        from c2pa import C2paError, Context, Reader, Settings
    except ImportError:
        text = "a signed record is present, not verified: install the extra `provenance`"
        return (Evidence(Kind.C2PA, UNVERIFIED, text, _WHERE),), ()
    try:
        with (
            Settings.from_dict(_OFFLINE) as settings,
            Context(settings) as context,
            Reader(_MIME.get(form), BytesIO(content), context=context) as reader,
        ):
            store = json.loads(reader.json())
        return tuple(_of_store(store)), tuple(_programs(store))
    except (C2paError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Other errors than its own: a store that is not of the form that it is said to be.
        return (Evidence(Kind.C2PA, NOT_UNDERSTOOD, f"its signed record is not understood: {error}", _WHERE),), ()


def _of_store(store: Mapping[str, Any]) -> Iterator[Evidence]:
    active = store["manifests"][store["active_manifest"]]
    signature = active.get("signature_info") or {}
    signer = signature.get("common_name") or signature.get("issuer") or "an unnamed signer"
    found, why = standing(store)
    yield Evidence(Kind.C2PA, found, _TEXTS[found].format(signer=signer) + (f": {why}" if why else ""), _WHERE)
    whose = _WHERE if found == VALID else f"{_WHERE} ({found})"
    actions = list(_actions(store))
    types = (source_type(str(one.get("digitalSourceType", "")), _WHERE, whose=f"the {whose}") for one in actions)
    yield from dict.fromkeys(found for found in types if found is not None)
    edits = dict.fromkeys(str(one.get("action")) for one in actions if one.get("action") not in _NO_EDIT)
    if edits:
        yield Evidence(Kind.C2PA, EDITED, f"the {whose} says that it was edited: {', '.join(edits)}", _WHERE)


def standing(store: Mapping[str, Any]) -> tuple[str, str]:
    """The finding of a manifest store as c2pa reads it, and the codes that it rests on."""
    # "Trusted" is Valid and signed by someone on a list of trust, which is not configured here.
    if store.get("validation_state") in ("Valid", "Trusted"):
        return VALID, ""
    failures = {str(code): str(why) for code, why in _failures(store)}
    for finding, codes in ((CHANGED, _CHANGES), (EXPIRED, _EXPIRY), (UNTRUSTED, _TRUST)):
        meant = [code for code in failures if code in codes]
        # A certificate is what is wrong only where nothing else is.
        if meant and (finding == CHANGED or len(meant) == len(failures)):
            return finding, _told(failures, meant)
    return NOT_UNDERSTOOD, _told(failures, list(failures)) or "not said why"


def _told(failures: Mapping[str, str], codes: Sequence[str]) -> str:
    return "; ".join(f"{code} ({failures[code]})" for code in codes)


def _failures(store: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Codes and explanations, of the active manifest if it has any: what went into it may have been changed before."""
    active = (store.get("validation_results") or {}).get("activeManifest") or {}
    own = [one for one in active.get("failure") or () if one.get("code") != _NOT_LISTED]
    whole = [one for one in store.get("validation_status") or () if one.get("code") != _NOT_LISTED]
    for one in own:
        yield one.get("code"), one.get("explanation")
    if not own:
        prefix = "" if not active else "of what went into it: "
        for one in whole:
            yield f"{prefix}{one.get('code')}", one.get("explanation")


def _actions(store: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    count = 0
    for manifest in list(store["manifests"].values())[:_MANIFESTS]:
        for assertion in manifest.get("assertions") or ():
            if str(assertion.get("label", "")).startswith("c2pa.actions"):
                for action in assertion.get("data", {}).get("actions") or ():
                    count += 1
                    if count > _ACTIONS:
                        return
                    yield action


def _programs(store: Mapping[str, Any]) -> Iterator[Field]:
    for manifest in list(store["manifests"].values())[:_MANIFESTS]:
        for maker in (manifest.get("claim_generator_info") or [])[:_MANIFESTS]:
            yield Field(_WHERE, "claim_generator", str(maker.get("name", "")))
        if manifest.get("claim_generator"):
            yield Field(_WHERE, "claim_generator", str(manifest["claim_generator"]))
    for action in _actions(store):
        agent = action.get("softwareAgent")
        name = agent.get("name", "") if isinstance(agent, Mapping) else agent
        if name:
            yield Field(_WHERE, "softwareAgent", str(name))
