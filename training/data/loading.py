"""Pictures read by processes of their own, which end with the process that reads what they give."""

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from scanner.base.errors import KnownError

_LOOK_EVERY = 1.0  # seconds


def loader_of(
    dataset: Dataset[Any],
    *,
    processes: int,
    collate: Callable[[list[Any]], Any],
    batch_size: int = 1,
    batches: Iterable[list[Any]] | None = None,
    pin: bool = False,
) -> Generator[Any]:
    """Batches of `dataset`, in order or by the indices in `batches`, collated, read by `processes` (0: by this one).

    With `pin` tensors lie in memory that a GPU can copy from by itself. Raises what reading raises, also in another process.
    """
    # A generator of its own: drawing from the global one would change dropout after a resume.
    own = torch.Generator()
    init = _EndsWith(os.getpid()) if processes else None
    how: dict[str, Any] = {"batch_size": batch_size} if batches is None else {"batch_sampler": batches}
    loader = DataLoader(
        _Told(dataset),
        num_workers=processes,
        collate_fn=_Collated(collate),
        generator=own,
        worker_init_fn=init,
        pin_memory=pin,
        **how,
    )
    for batch in loader:
        if isinstance(batch, KnownError):
            raise batch
        yield batch


class _Told(Dataset[Any]):
    """The same samples; an error that a user can mend is one, too: torch would make a traceback out of it."""

    def __init__(self, dataset: Dataset[Any]) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)  # type: ignore[arg-type]

    def __getitem__(self, index: Any) -> Any:
        try:
            return self._dataset[index]
        except KnownError as error:
            return error


class _Collated:
    """A batch, or the first error among its samples."""

    def __init__(self, collate: Callable[[list[Any]], Any]) -> None:
        self._collate = collate

    def __call__(self, samples: list[Any]) -> Any:
        errors = (sample for sample in samples if isinstance(sample, KnownError))
        return next(errors, None) or self._collate(samples)


class _EndsWith:
    """Ends a loading process when its parent is gone.

    torch notices that, too, but then waits for good where the pipe to the parent is full: its feeder thread cannot end.
    """

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def __call__(self, _number: int) -> None:
        threading.Thread(target=self._watch, daemon=True, name="parent").start()

    def _watch(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(_LOOK_EVERY)
        os._exit(1)
