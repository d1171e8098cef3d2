"""Names that are passed over: hidden ones, and those that the user's globs match."""

import os
import re
from collections.abc import Sequence
from fnmatch import translate

from ..base.addresses.system_folders import SNAPSHOTS, TRASHES

HIDDEN = "hidden"
_SYSTEMS = dict.fromkeys(TRASHES, "a trash folder, ") | dict.fromkeys(SNAPSHOTS, "a folder of snapshots, ")


class IgnoreRules:
    """The globs of the setting `ignore`, made ready once. A glob is tried on each name and on each path relative to the root."""

    def __init__(self, globs: Sequence[str]) -> None:
        # Most globs are plain names, and one look-up is for all of them. Patterns also match paths: * is any text, with /.
        plain = [glob for glob in globs if not set(glob) & set("*?[")]
        # These have many spellings: a drive has $RECYCLE.BIN, $Recycle.Bin or $recycle.bin.
        marked = [glob for glob in plain if glob in _SYSTEMS and glob[0] in "$#@~"]
        spellings = {spelling: glob for glob in marked for spelling in (glob.lower(), glob.title(), glob.upper())}
        self._plain = spellings | {os.path.normcase(glob): glob for glob in plain}
        self._patterns = [(glob, re.compile(translate(os.path.normcase(glob))).match) for glob in globs if set(glob) & set("*?[")]
        self._want_paths = bool(self._patterns) or any("/" in glob for glob in globs)

    def rule_for(self, name: str, above: str) -> str | None:
        """The rule that passes over `name` by itself or by its path, in words; None when there is none.

        `above` is the path of its folder relative to the root, ending with a separator, or empty.
        """
        if name[0] == "." and name not in (os.curdir, os.pardir):
            return HIDDEN
        glob = self._plain.get(os.path.normcase(name))
        if glob is None and self._want_paths:
            glob = self._matched(os.path.normcase(name), os.path.normcase(above + name))
        return None if glob is None else f"{_SYSTEMS.get(glob, '')}ignored by {glob}"

    def keep(self, names: Sequence[str], above: str) -> list[str]:
        """Those of `names` that no rule passes over; names of folders may end with a separator."""
        if self._want_paths or os.path.normcase("A") == "a":
            return [name for name in names if not self.rule_for(name.removesuffix(os.sep), above)]
        # One look-up each: this is asked of every name in a tree.
        passed_over = {ending for name in self._plain for ending in (name, name + os.sep)}
        return [name for name in names if name[0] != "." and name not in passed_over]

    def rule_on_the_way(self, path: str, *, root: str) -> str | None:
        """The rule that passes over `path`, or a folder between `root` and it, in words; None when there is none."""
        relative = os.path.relpath(path, root)
        if relative == os.curdir:
            return None
        above = ""
        for name in relative.split(os.sep):
            if rule := self.rule_for(name, above):
                return rule
            above += name + os.sep
        return None

    def _matched(self, name: str, path: str) -> str | None:
        if glob := self._plain.get(path):
            return glob
        return next((glob for glob, match in self._patterns if match(name) or match(path)), None)
