"""What dfscan is installed from: its pins, its bill of materials, and what is known against them.

python tests/supply_chain.py constraints     write constraints.txt anew, out of hashes.txt
python tests/supply_chain.py sbom FILE       write a CycloneDX bill of materials
python tests/supply_chain.py check           both files agree; the bill in build/; known vulnerabilities, if they can be asked for
"""

import hashlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

HERE = Path(__file__).resolve().parent.parent
HASHES, CONSTRAINTS, BILL = HERE / "hashes.txt", HERE / "constraints.txt", HERE / "build" / "sbom.cdx.json"
# A file of others that comes with dfscan.
NETWORK = HERE / "worker" / "detector" / "faces" / "centerface.onnx"
# Where known vulnerabilities are asked for: names and versions of packages are sent there.
DATABASE = "api.osv.dev"
REACHED_WITHIN = 3.0
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?P<marker> ;[^\\]*)?", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """A package at one version, with the hashes of its files; `line` is what stands in constraints.txt."""

    name: str
    version: str
    line: str
    hashes: tuple[str, ...]


def pins(text: str) -> Iterator[Pin]:
    """The pins of hashes.txt."""
    found = list(_PIN.finditer(text))
    for pin, after in zip(found, [*found[1:], None], strict=True):
        block = text[pin.end() : after.start() if after else None]
        yield Pin(pin["name"], pin["version"], pin[0].strip(), tuple(_HASH.findall(block)))


def constraints(text: str) -> str:
    """constraints.txt: the same without hashes, which pip takes for no local folder."""
    return "".join(f"{pin.line}\n" for pin in pins(text))


def bill_of_materials(text: str) -> str:
    """All packages that any part of dfscan may install, as CycloneDX in JSON."""
    bill, root = Bom(), Component(name="dfscan", type=ComponentType.APPLICATION, bom_ref="dfscan")
    bill.metadata.component = root
    for pin in pins(text):
        url = PackageURL("pypi", name=pin.name, version=pin.version)
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=found) for found in pin.hashes]
        bill.components.add(
            Component(name=pin.name, version=pin.version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url), hashes=hashes)
        )
    content = hashlib.sha256(NETWORK.read_bytes()).hexdigest()
    bill.components.add(
        Component(
            name=NETWORK.name,
            type=ComponentType.MACHINE_LEARNING_MODEL,
            bom_ref=NETWORK.name,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=content)],
        )
    )
    bill.register_dependency(root, bill.components)
    written: str = make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    return written


def audit() -> str:
    """What is known against the pinned packages, in words."""
    try:
        socket.create_connection((DATABASE, 443), REACHED_WITHIN).close()
    except OSError as error:
        return f"not asked for vulnerabilities: {DATABASE} is not reachable ({error})"
    command = [sys.executable, "-m", "pip_audit", "-s", "osv", "--disable-pip", "--require-hashes", "-r", HASHES]
    try:
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return f"not asked for vulnerabilities: {DATABASE} does not answer"
    return (done.stdout + done.stderr).strip() or "pip-audit said nothing"


def check() -> int:
    """0 if the files agree. What is known against a package is told, and for a person to judge: it is no fault of a commit."""
    text = HASHES.read_text("utf-8")
    BILL.parent.mkdir(exist_ok=True)
    BILL.write_text(bill_of_materials(text), "utf-8")
    print(f"bill of materials: {BILL}")
    print(audit())
    if constraints(text) == CONSTRAINTS.read_text("utf-8"):
        return 0
    print("constraints.txt is not what hashes.txt says: python tests/supply_chain.py constraints")
    return 1


def main(arguments: list[str]) -> int:
    """See above."""
    match arguments:
        case ["constraints"]:
            CONSTRAINTS.write_text(constraints(HASHES.read_text("utf-8")), "utf-8")
        case ["sbom", file]:
            Path(file).write_text(bill_of_materials(HASHES.read_text("utf-8")), "utf-8")
        case ["check"]:
            return check()
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
