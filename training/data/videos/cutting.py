"""Videos of a data set as folders of frames, which importers take. Each video is cut whole, or not at all."""

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scanner.media.formats import has_video_suffix
from scanner.media.frames import NoFrame, spread_frames
from scanner.media.video_reader import has_video_reader

from ..importers.found import ImportFailed

# FaceForensics++ has its videos in folders of this name, and their frames in folders of the other.
_VIDEOS, _FRAMES = "videos", "frames"
_BESIDE = (".txt", ".json")  # lists of splits: importers look for them beside the videos
_LARGEST_LIST = 16 << 20


@dataclass(frozen=True)
class Cut:
    """How many videos are there as frames, and which are not, with the reason."""

    videos: int
    left_out: Mapping[str, str]


def cut_videos(root: Path, folder: Path, count: int, *, processes: int, progress: Callable[[int, int], None]) -> Cut:
    """Cut the videos under `root` into `count` frames each, in `folder`/.../VIDEO/NUMBER.png; lists beside them are copied.

    A video whose folder is there already is left as it is. `progress(done, all)` counts videos. Raises ImportFailed where there
    are no videos, or two of one name in one folder, or nothing here reads them, and OSError.
    """
    if not has_video_reader():
        raise ImportFailed("what reads videos is missing: pip install 'dfscan[video]'")
    files = [Path(place) / name for place, _, names in os.walk(root) for name in sorted(names) if not name.startswith(".")]
    videos = sorted(file for file in files if has_video_suffix(file.name))
    if not videos:
        raise ImportFailed(f"{root} holds no videos; name the folder that the data set was unpacked to")
    targets = {video: _target(video, root, folder) for video in videos}
    if len(set(targets.values())) < len(videos):
        twice = next(video for video in videos if list(targets.values()).count(targets[video]) > 1)
        raise ImportFailed(f"{twice.with_suffix('')}: two videos have this name; rename one of them")
    for file in files:
        if file.suffix.lower() in _BESIDE and file.stat().st_size <= _LARGEST_LIST:
            copy = folder / file.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    left_out = {}
    for done, (video, problem) in enumerate(_cut_all(targets, count, processes), start=1):
        if problem:
            left_out[str(video)] = problem
        progress(done, len(videos))
    return Cut(len(videos) - len(left_out), left_out)


def _target(video: Path, root: Path, folder: Path) -> Path:
    place = video.relative_to(root).parent
    return folder.joinpath(*(_FRAMES if part == _VIDEOS else part for part in place.parts), video.stem)


def _cut_all(targets: Mapping[Path, Path], count: int, processes: int) -> Iterator[tuple[Path, str | None]]:
    cut: Callable[[tuple[Path, Path]], str | None] = partial(_cut, count=count)
    pairs: Sequence[tuple[Path, Path]] = list(targets.items())
    if not processes:
        yield from zip(targets, map(cut, pairs), strict=True)
        return
    # Spawned: a fork of a process with threads may hang.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from zip(targets, pool.map(cut, pairs), strict=True)


def _cut(pair: tuple[Path, Path], count: int) -> str | None:
    """Why a video cannot be cut; None when it is. Raises OSError where nothing can be written."""
    video, target = pair
    if target.is_dir():
        return None
    partial_folder = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    made, problem = 0, None
    try:
        for number, picture in spread_frames(str(video), count):
            picture.save(partial_folder / f"{number:06}.png", compress_level=1)
            made += 1
    except NoFrame as error:
        problem = str(error)
    if problem or not made:
        shutil.rmtree(partial_folder)
        return problem or "no frame of it can be decoded"
    partial_folder.rename(target)
    return None
