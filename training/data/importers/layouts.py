"""Folders and lists of known layouts, as manifest rows. One module per layout; each is imported only when it is asked for."""

from importlib import import_module

from .found import Importer

LAYOUTS = {
    "folders": "real/ and fake/ (or 0_real, 1_fake, nature, ai), also below other folders",
    "dfwild-cup": "{train,valid}/{real,fake}, or train_fake/fake_3_1/... as unpacked",
    "deepfakebench": "DeepfakeBench's JSON files, with --images-root",
    "faceforensics": "FaceForensics++: original_sequences, manipulated_sequences",
    "celeb-df": "Celeb-real, YouTube-real, Celeb-synthesis",
    "genimage": "GenImage: GENERATOR/{train,val}/{ai,nature}",
    "cnndetection": "CNNDetection, ForenSynths: SPLIT/GENERATOR/[CLASS/]{0_real,1_fake}",
    "reviews": "your own decisions: the file of dfscan report --format json",
}


def importer_named(layout: str) -> Importer:
    """The importer of one of `LAYOUTS`."""
    found: Importer = import_module(f".{layout.replace('-', '_')}", __package__).find
    return found


def default_source(layout: str, name: str) -> str:
    """What a set is called if nobody says: `name` (of its folder or file) where the layout says nothing of what is in it."""
    return name if layout in ("folders", "deepfakebench") else layout
