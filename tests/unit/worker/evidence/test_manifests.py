"""Signed records that do not hold: what was changed is told from what is only out of date, not trusted or not understood."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from signing import TRAINED, signed

from scanner.domain.evidence import Evidence, filed_under
from worker.evidence.gathering import gather
from worker.evidence.manifests import standing

# Made by `signing.signed` with a certificate that was valid for some seconds.
EXPIRED = (Path(__file__).parents[3] / "files" / "signed_expired.jpg").read_bytes()
CREATED: dict[str, object] = {"action": "c2pa.created", "digitalSourceType": TRAINED}


@pytest.fixture(scope="module", name="picture")
def _picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "a.jpg"
    Image.effect_noise((64, 48), 60).convert("RGB").save(path, quality=90)
    return path


def found(content: bytes) -> dict[tuple[str, str], Evidence]:
    return {(one.kind, one.finding): one for one in gather(content, "JPEG") if one.kind != "camera"}


def test_an_expired_certificate_is_no_change() -> None:
    traces = found(EXPIRED)
    assert set(traces) == {("c2pa", "expired"), ("source-type", "digitalCapture")}
    assert "Test Signer, whose certificate is out of date; that says nothing of a change" in traces["c2pa", "expired"].text
    assert "invalid" not in filed_under(traces.values())


def test_a_change_is_told_though_the_certificate_expired_too() -> None:
    changed = bytearray(EXPIRED)
    changed[-50] ^= 0xFF
    assert ("c2pa", "changed") in found(bytes(changed))
    assert "invalid" in filed_under(found(bytes(changed)).values())


def test_a_malformed_action_is_no_change(picture: Path) -> None:
    for actions in ([{"action": "c2pa.edited"}], [CREATED, {"action": "c2pa.placed"}]):
        traces = found(signed(picture, actions=actions))
        assert ("c2pa", "not-understood") in traces
        assert "assertion.action." in traces["c2pa", "not-understood"].text
        assert "invalid" not in filed_under(traces.values())


@pytest.mark.parametrize(("label", "newer"), [(b"c2pa.actions.v2", b"c2pa.actions.v9"), (b"c2pa.claim.v2", b"c2pa.claim.v9")])
def test_a_record_of_a_version_to_come_is_not_understood(picture: Path, label: bytes, newer: bytes) -> None:
    traces = found(signed(picture, actions=[CREATED]).replace(label, newer))
    assert {finding for kind, finding in traces if kind == "c2pa"} == {"not-understood"}


def test_an_unknown_assertion_is_valid(picture: Path) -> None:
    record = signed(picture, actions=[CREATED], assertions=[{"label": "com.example.lens", "data": {"turned": 3}}])
    assert ("c2pa", "valid") in found(record)


@pytest.mark.parametrize("part", [b"trainedAlgorithmicMedia", b"Test Camera"])
def test_a_changed_record_is_a_change(picture: Path, part: bytes) -> None:
    record = signed(picture, actions=[CREATED])
    assert ("c2pa", "changed") in found(record.replace(part, b"T" + part[1:].swapcase()))


@pytest.mark.parametrize("action", ["c2pa.converted", "c2pa.watermarked.bound"])
def test_what_changes_no_picture_is_no_edit(picture: Path, action: str) -> None:
    """As ChatGPT says of each picture."""
    assert ("c2pa", "edited") not in found(signed(picture, actions=[CREATED, {"action": action}]))
    both = [CREATED, {"action": action}, {"action": "c2pa.cropped"}]
    assert "edited: c2pa.cropped" in found(signed(picture, actions=both))["c2pa", "edited"].text


def store(*codes: str, state: str = "Invalid", into: str = "") -> dict[str, Any]:
    """What c2pa reads of a manifest whose checks failed with `codes`, and with `into` of a picture that went into it."""
    failure = [{"code": code, "explanation": "why"} for code in ("signingCredential.untrusted", *codes)]
    deltas = [{"code": into, "explanation": "why"}] if into else []
    return {
        "validation_state": state,
        "validation_status": failure + deltas,
        "validation_results": {"activeManifest": {"failure": failure}},
    }


@pytest.mark.parametrize(
    ("codes", "finding"),
    [
        ((), "not-understood"),
        (("assertion.dataHash.mismatch",), "changed"),
        (("assertion.bmffHash.mismatch", "signingCredential.expired"), "changed"),
        (("claimSignature.mismatch",), "changed"),
        (("signingCredential.expired",), "expired"),
        (("claimSignature.outsideValidity",), "expired"),
        (("signingCredential.invalid",), "untrusted"),
        (("signingCredential.ocsp.revoked",), "untrusted"),
        (("signingCredential.expired", "assertion.action.malformed"), "not-understood"),
        (("algorithm.unsupported",), "not-understood"),
        (("general.error",), "not-understood"),
        (("com.example.new",), "not-understood"),
    ],
)
def test_codes_and_findings(codes: tuple[str, ...], finding: str) -> None:
    got, why = standing(store(*codes))
    assert got == finding
    assert all(code in why for code in codes if code in why or finding == "not-understood")


def test_what_went_into_a_picture_may_have_been_changed_before() -> None:
    assert standing(store(state="Valid")) == ("valid", "")
    got, why = standing(store(into="assertion.dataHash.mismatch"))
    assert (got, why) == ("not-understood", "of what went into it: assertion.dataHash.mismatch (why)")
