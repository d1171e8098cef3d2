"""C2PA manifests, signed records of how a picture was made: read by c2pa-python (extra `provenance`), kept off the network."""

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from scanner.domain.evidence import EDITED, INVALID, UNVERIFIED, VALID, Evidence, Kind

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
_NO_EDIT = frozenset(("c2pa.created", "c2pa.opened", "c2pa.published", "c2pa.placed", "c2pa.transcoded", "c2pa.repackaged"))
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
        return (Evidence(Kind.C2PA, INVALID, f"its signed record cannot be read: {error}", _WHERE),), ()


def _of_store(store: Mapping[str, Any]) -> Iterator[Evidence]:
    active = store["manifests"][store["active_manifest"]]
    signature = active.get("signature_info") or {}
    signer = signature.get("common_name") or signature.get("issuer") or "an unnamed signer"
    state = store.get("validation_state")
    # "Trusted" is Valid and signed by someone on a list of trust, which is not configured here.
    if state in ("Valid", "Trusted"):
        text = f"signed by {signer}, unchanged since; whether that is whom the name says is not checked"
        yield Evidence(Kind.C2PA, VALID, text, _WHERE)
    else:
        broken = "; ".join(dict.fromkeys(_failures(store))) or "not said why"
        yield Evidence(Kind.C2PA, INVALID, f"its signed record is not valid: {broken}", _WHERE)
    whose = _WHERE if state in ("Valid", "Trusted") else f"{_WHERE} (invalid)"
    actions = list(_actions(store))
    types = (source_type(str(one.get("digitalSourceType", "")), _WHERE, whose=f"the {whose}") for one in actions)
    yield from dict.fromkeys(found for found in types if found is not None)
    edits = dict.fromkeys(str(one.get("action")) for one in actions if one.get("action") not in _NO_EDIT)
    if edits:
        yield Evidence(Kind.C2PA, EDITED, f"the {whose} says that it was edited: {', '.join(edits)}", _WHERE)


def _failures(store: Mapping[str, Any]) -> Iterator[str]:
    for one in store.get("validation_status") or ():
        if one.get("code") != "signingCredential.untrusted":
            yield f"{one.get('code')} ({one.get('explanation')})"


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
