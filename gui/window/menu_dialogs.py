"""The dialogs of the menus. Each is imported when it is first asked for: a window's start needs not wait for it."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from ..models.presenter import QueuePresenter
from .actions import WindowActions, all_keys
from .preferences import PreferenceStore, use_theme


class MenuDialogs:
    """Over `window`; `actions` gives those whose keys are shown and changed."""

    def __init__(
        self, window: QWidget, presenter: QueuePresenter, store: PreferenceStore, actions: Callable[[], WindowActions]
    ) -> None:
        self._window = window
        self._presenter = presenter
        self._store = store
        self._actions = actions

    def show_guide(self) -> None:
        """How one works with the window."""
        from .dialogs.help_dialogs import show_guide

        show_guide(self._window, self._actions().keys)

    def show_about(self) -> None:
        """What the program is, and its version."""
        from .dialogs.help_dialogs import show_about

        show_about(self._window)

    def show_cards(self) -> None:
        """The models and their cards."""
        from .dialogs.help_dialogs import show_cards

        show_cards(self._window, self._presenter)

    def show_keys(self) -> None:
        """Every key, to be changed."""
        from .dialogs.keys_dialog import KeysDialog

        dialog = KeysDialog(all_keys(), self._store.keys(), self._window)
        dialog.changed_keys.connect(self._store.keep_keys)
        dialog.changed_keys.connect(self._actions().bind)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def show_preferences(self) -> None:
        """What a person can set."""
        from .dialogs.preferences_dialog import PreferencesDialog

        dialog = PreferencesDialog(self._store.read(), self._window)
        dialog.accepted.connect(lambda: self._store.write(dialog.chosen()))
        dialog.accepted.connect(lambda: use_theme(self._store.read().theme))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
