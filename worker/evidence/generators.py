"""Known generators and editing programs, by what they write into files. One table for each; a new one is a new line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scanner.domain.evidence import Evidence, Kind

from .fields import Field


@dataclass(frozen=True)
class Known:
    """A program. `name` is for people; the rest says what shows it.

    `keys`: texts of these names are written by it alone. `named`: a pattern for texts that name software or an author.
    `inside`: a pattern of its own for texts of any name, of which `then` must follow. Hostile texts are long: each pattern begins
    with letters, and none has a part that matches anything, so that a search takes one look at each place.
    """

    finding: str
    name: str
    keys: tuple[str, ...] = ()
    named: str = ""
    inside: str = ""
    then: str = ""


# The first that shows claims a text: derived programs stand before those they derive from.
GENERATORS = (
    Known("fooocus", "Fooocus", keys=("fooocus_scheme",), named=r"\bfooocus\b", inside=r'"version": "Fooocus|Version: Fooocus'),
    Known("swarmui", "SwarmUI", named=r"\bSwarmUI\b", inside=r'"sui_image_params"'),
    Known("novelai", "NovelAI", named=r"\bNovelAI\b"),
    Known(
        "invokeai",
        "InvokeAI",
        keys=("invokeai_metadata", "invokeai_graph", "invokeai_workflow", "sd-metadata", "Dream"),
        named=r"\bInvokeAI\b|lstein/stable-diffusion",
    ),
    Known("comfyui", "ComfyUI", named=r"\bComfyUI\b", inside=r'"class_type"\s{0,9}:|"last_node_id"\s{0,9}:'),
    Known("draw-things", "Draw Things", named=r"\bDraw Things\b"),
    Known("easy-diffusion", "Easy Diffusion", named=r"\bEasy Diffusion\b"),
    Known("diffusionbee", "DiffusionBee", named=r"\bDiffusionBee\b"),
    Known(
        "stable-diffusion",
        "Stable Diffusion (AUTOMATIC1111 or alike)",
        named=r"\bStable ?Diffusion\b|\bSDXL\b|\bStability ?AI\b|\bDreamStudio\b",
        inside=r"Steps: \d{1,9}, ",
        then=r"Seed: \d",
    ),
    Known("midjourney", "Midjourney", named=r"\bMidjourney\b", inside=r"Job ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    Known(
        "openai",
        "DALL-E, ChatGPT or Sora (OpenAI)",
        inside=r"OpenAI--ImageGeneration--|Made with OpenAI\b",
        named=r"\bDALL[·\-• ]?E\b|\bOpenAI\b|\bChatGPT\b" r"|\bGPT-4o\b|\bgpt-image|\bSora\b",
    ),
    Known("firefly", "Adobe Firefly", named=r"\bFirefly\b|\bGenerative (?:Fill|Expand)\b"),
    Known(
        "google-ai",
        "a generator by Google",
        named=r"\b(?:Made|Edited) with Google AI\b" r"|\bImagen\b|\bGoogle Gemini\b|\bGemini Flash\b|\bNano Banana\b",
    ),
    Known(
        "microsoft-designer",
        "Bing Image Creator or Microsoft Designer",
        named=r"\bImage Creator\b|\bMicrosoft Designer\b" r"|\bMicrosoft_Responsible_AI\b",
    ),
    Known("meta-ai", "Meta AI", named=r"\bMeta AI\b|\bImagined with AI\b"),
    Known("grok", "Grok (xAI)", named=r"\bGrok\b|\bxAI\b"),
    Known("flux", "FLUX (Black Forest Labs)", named=r"\bBlack Forest Labs\b|\bFLUX\.?[12]\b"),
    Known("leonardo", "Leonardo.Ai", named=r"\bLeonardo\.?AI\b"),
    Known("ideogram", "Ideogram", named=r"\bIdeogram\b"),
    Known("this-person", "thispersondoesnotexist", named=r"\bthispersondoesnotexist\b"),
    Known("faceapp", "FaceApp", named=r"\bFaceApp\b"),
    Known("reface", "Reface", named=r"\bReface\b"),
    Known("facefusion", "FaceFusion", named=r"\bFaceFusion\b"),
    Known("roop", "roop", named=r"\broop\b"),
    Known("deepfacelab", "DeepFaceLab", named=r"\bDeepFaceLab\b"),
    # China's label of generated content (TC260, 2025): a JSON object under this name.
    Known("aigc-label", "a program that labels its pictures as generated (TC260)", keys=("AIGC",)),
)
SOFTWARE = (
    Known("photoshop", "Adobe Photoshop", named=r"\bPhotoshop\b(?! Lightroom)"),
    Known("lightroom", "Adobe Lightroom", named=r"\bLightroom\b"),
    Known("gimp", "GIMP", named=r"\bGIMP\b"),
    Known("affinity", "Affinity", named=r"\bAffinity\b"),
    Known("snapseed", "Snapseed", named=r"\bSnapseed\b"),
    Known("picsart", "Picsart", named=r"\bPicsArt\b"),
    Known("pixelmator", "Pixelmator", named=r"\bPixelmator\b"),
    Known("facetune", "Facetune", named=r"\bFacetune\b"),
    Known("remini", "Remini", named=r"\bRemini\b"),
    Known("canva", "Canva", named=r"\bCanva\b"),
    Known("topaz", "Topaz", named=r"\bTopaz\b"),
    Known("luminar", "Luminar", named=r"\bLuminar\b"),
    Known("meitu", "Meitu or BeautyPlus", named=r"\bMeitu\b|\bBeautyPlus\b"),
    Known("krita", "Krita", named=r"\bKrita\b"),
    Known("paint-net", "Paint.NET", named=r"\bpaint\.net\b"),
    Known("photopea", "Photopea", named=r"\bPhotopea\b"),
)
# Names of texts that say who or what made a picture. A description may speak of anything.
_PROGRAMS = ("software", "creatortool", "softwareagent", "claim_generator", "generator", "hostcomputer", "make", "model")
_MAKERS = ("credit", "source", "author", "artist", "creator", "title")
_NAMING = frozenset((*_PROGRAMS, *_MAKERS))
_KEYS = frozenset(key for known in GENERATORS for key in known.keys)
_ANYWHERE = {table[0].finding: tuple(known for known in table if known.inside) for table in (GENERATORS, SOFTWARE)}
# Characters of a name.
_NAME = 2000


def traces(fields: Sequence[Field]) -> Iterator[Evidence]:
    """One trace for each known program in `fields`."""
    seen: set[tuple[Kind, str]] = set()
    for field in fields:
        for kind, table in ((Kind.GENERATOR, GENERATORS), (Kind.SOFTWARE, SOFTWARE)):
            known = next((one for one in _fitting(table, field) if _shows(one, field)), None)
            if known is not None and (kind, known.finding) not in seen:
                seen.add((kind, known.finding))
                text = field.text[:_NAME]
                yield Evidence(kind, known.finding, f"written by {known.name}: {text}", f"{field.source} {field.name}")


def _fitting(table: Sequence[Known], field: Field) -> Sequence[Known]:
    """Those that can show in a text of this name: few, as a file may hold thousands of texts."""
    return table if field.name.lower() in _NAMING or field.name in _KEYS else _ANYWHERE[table[0].finding]


def _shows(known: Known, field: Field) -> bool:
    if field.name in known.keys:
        return True
    if known.named and field.name.lower() in _NAMING and re.search(known.named, field.text[:_NAME], re.IGNORECASE):
        return True
    found = re.search(known.inside, field.text) if known.inside else None
    return found is not None and (not known.then or re.compile(known.then).search(field.text, found.end()) is not None)
