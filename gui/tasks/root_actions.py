"""Watching a folder no more, as an act that can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.base.escape import printable
from scanner.database.engine import Database
from scanner.roots.roots import add_roots, known_roots, remove_root


@dataclass
class RootRemoval:
    """Of the folder `path`; what is known of its images stays."""

    database: Database
    path: str
    touched: Sequence[int] = ()

    def redo(self) -> str:
        """Watch it no more."""
        for root in known_roots(self.database):
            if root.path == self.path:
                remove_root(self.database, root.id)
        return f"{printable(self.path)}: watched no more"

    def undo(self) -> str:
        """Watch it again."""
        add_roots(self.database, [self.path], self.database.now())
        return f"{printable(self.path)}: watched again"
