"""Keys and menus of the window: what each does, and when it can be used."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from scanner.domain.states import Decision
from scanner.media.forensic.view import View

from ..models.presenter import QueuePresenter
from ..pages.queue_view import QueueView
from ..style.icons import icon
from ..widgets.preview.compare_view import CompareView
from .action_icons import ICONS
from .image_actions import ImageActions
from .key_bindings import Key, Needs, bound_keys, shown

# In menus, and at the picture itself.
_LOOKING = ("loupe", "zoom", "magnifier", "", "boxes", "heatmap", "error_levels", "noise", "facts", "", "compare")
_COMPARING = ("swap", "blink", "difference", "amplify")


def all_keys() -> tuple[Key, ...]:
    """In the order in which people learn them. The work of each stands in `queue_work`, its menu in `WindowActions`."""
    return (
        Key("fake", "F", "It is fake", needs=Needs.IMAGE),
        Key("real", "R", "It is real", needs=Needs.IMAGE),
        Key("unsure", "U", "Unsure", needs=Needs.IMAGE),
        Key("note", "N", "Write a note; Enter stores it alone", needs=Needs.PAGE),
        Key("undo", "Z", "Undo", also="Ctrl+Z"),
        Key("redo", "Shift+Z", "Redo", also="Ctrl+Shift+Z"),
        Key("loupe", "Space", "The picture on the whole screen, and back (also Enter)", needs=Needs.IMAGE),
        Key("full_screen", "F11", "The same from anywhere on the page", needs=Needs.IMAGE),
        Key("zoom", "1", "Picture pixel by pixel, and back", needs=Needs.PAGE),
        Key("zoom_in", "+", "Nearer", needs=Needs.PAGE, also="="),
        Key("zoom_out", "-", "Further away", needs=Needs.PAGE),
        Key("magnifier", "M", "Magnifier at the pointer, and back (also Shift and arrows)", needs=Needs.IMAGE),
        Key("error_levels", "E", "Error levels of the picture, and back", needs=Needs.IMAGE),
        Key("noise", "P", "Noise of the picture, and back", needs=Needs.IMAGE),
        Key("facts", "I", "EXIF and origin as a table, and back", needs=Needs.IMAGE),
        Key("heatmap", "H", "Show where the score comes from, and back", needs=Needs.IMAGE),
        Key("boxes", "B", "Show the boxes of faces, and back", needs=Needs.PAGE),
        Key("compare", "C", "Two selected images, or a near copy, side by side, and back", needs=Needs.IMAGE),
        Key("swap", "X", "One over the other, and the other way round", needs=Needs.IMAGE),
        Key("blink", "Shift+X", "One and the other in turn, and no more", needs=Needs.IMAGE),
        Key("difference", "D", "Where the two differ, and back", needs=Needs.IMAGE),
        Key("amplify", "Shift+D", "Amplify the difference more", needs=Needs.IMAGE),
        Key("group", "G", "Decide on the ticked near copies together, and back", needs=Needs.IMAGE),
        Key("stack", "S", "Open the stack of near copies, and close it", needs=Needs.IMAGE),
        Key("larger", "Ctrl++", "Larger thumbnails", needs=Needs.PAGE, also="Ctrl+="),
        Key("smaller", "Ctrl+-", "Smaller thumbnails", needs=Needs.PAGE),
        Key("next", "J", "Next image (also the arrow keys)", needs=Needs.PAGE),
        Key("previous", "K", "Previous image", needs=Needs.PAGE),
        Key("search", "Ctrl+F", "Search"),
        Key("copy_path", "Ctrl+Shift+C", "Copy the path", needs=Needs.IMAGE),
        Key("open_folder", "O", "Open the folder", needs=Needs.IMAGE),
        Key("quarantine", "Q", "Move to quarantine", needs=Needs.IMAGE),
        Key("trash", "Del", "Move to the trash", needs=Needs.IMAGE),
        Key("export", "Ctrl+E", "Export the selection as a report", needs=Needs.IMAGE),
        Key("evidence", "Ctrl+Shift+E", "Write an evidence report of the selection", needs=Needs.IMAGE),
        Key("select_all", "Ctrl+A", "Select all loaded images", needs=Needs.PAGE),
        Key("refresh", "F5", "Read the queue anew"),
        Key("escape", "Esc", "Back to the images, from anywhere"),
        Key("keys", "?", "Show and change the keys"),
    )


def queue_work(view: QueueView, acts: ImageActions, presenter: QueuePresenter) -> dict[str, Callable[[], object]]:
    """What each key of the queue does."""
    review, look = view.review, view.review.look
    return {
        "fake": partial(acts.decide, Decision.FAKE),
        "real": partial(acts.decide, Decision.REAL),
        "unsure": partial(acts.decide, Decision.UNSURE),
        "note": review.deciding.note.setFocus,
        "undo": presenter.acts.undo,
        "redo": presenter.acts.redo,
        "loupe": view.loupe.toggle,
        "full_screen": view.loupe.toggle,
        "zoom": look.preview.toggle_zoom,
        "zoom_in": look.preview.zoom_in,
        "zoom_out": look.preview.zoom_out,
        "magnifier": look.lens.toggle,
        "error_levels": partial(look.forensic.toggle, View.ERROR_LEVELS),
        "noise": partial(look.forensic.toggle, View.NOISE),
        "facts": view.loupe.toggle_facts,
        "heatmap": look.heatmaps.toggle,
        "boxes": look.layers.toggle_boxes,
        "compare": review.comparing.toggle,
        "swap": partial(review.comparing.act, CompareView.swap),
        "blink": partial(review.comparing.act, CompareView.blink),
        "difference": partial(review.comparing.act, CompareView.toggle_difference),
        "amplify": partial(review.comparing.act, CompareView.amplify),
        "group": look.near.toggle_group,
        "stack": review.grid.toggle_stack,
        "larger": lambda: review.grid.resize_cells(review.grid.size_number + 1),
        "smaller": lambda: review.grid.resize_cells(review.grid.size_number - 1),
        "next": partial(review.step, 1),
        "previous": partial(review.step, -1),
        "copy_path": acts.copy_path,
        "open_folder": acts.open_folder,
        "quarantine": acts.quarantine,
        "trash": acts.trash,
        "export": acts.export,
        "evidence": acts.ask_evidence,
        "select_all": review.grid.selectAll,
        "refresh": view.refresh,
        "escape": view.escape,
    }


class WindowActions(QObject):
    """`work` gives each key of `all_keys` its work; `plain` has menu entries without a key of their own.

    `changed` are the keys that a person has set.
    """

    def __init__(
        self,
        view: QueueView,
        bar: QMenuBar,
        work: Mapping[str, Callable[[], object]],
        plain: Mapping[str, Callable[[], object]],
        presenter: QueuePresenter,
        window: QWidget,
        changed: Mapping[str, str],
    ) -> None:
        super().__init__(window)
        self._view = view
        self._presenter = presenter
        self._window = window
        self._plain_work = plain
        self.by_name: dict[str, QAction] = {}
        self.keys: dict[str, str] = {}  # as the desktop writes them
        for key in all_keys():
            action = QAction(key.meaning.partition(" (also")[0], self)
            action.triggered.connect(without_arguments(work[key.name]))
            if key.name in ICONS:
                action.setIcon(icon(ICONS[key.name]))
            self.by_name[key.name] = action
        self.bind(changed)
        window.addActions(list(self.by_name.values()))  # also without a menu bar, which the loupe hides
        self.stacking = QAction("Stack near copies", self)
        self.stacking.setCheckable(True)
        # Space and Enter press buttons and end what is written; only on images they open the loupe.
        entering = QAction(self)
        entering.setShortcuts([QKeySequence("Return"), QKeySequence("Enter")])
        entering.triggered.connect(without_arguments(view.loupe.toggle))
        for action in (self.by_name["loupe"], entering):
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            view.review.grid.addAction(action)
            view.review.look.preview.addAction(action)
        self._number_tabs()
        self._fill(bar)
        view.review.comparing.actions = [self.by_name[name] for name in _COMPARING]
        view.review.look.closer.addActions([self.by_name[name] for name in _LOOKING if name])
        for widget in (view.review.grid, view.review.look.preview):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(partial(self._show_menu, widget))
        view.review.current_changed.connect(self.enable)
        view.stack.currentChanged.connect(self.enable)
        self.enable()

    def bind(self, changed: Mapping[str, str]) -> None:
        """Use the keys that come with the program, but for those that a person has changed (by name)."""
        keys = bound_keys(all_keys(), changed)
        for key in keys:
            self.by_name[key.name].setShortcuts([QKeySequence(text) for text in (key.sequence, key.also) if text])
        self.keys = {key.name: shown(key.sequence) for key in keys}
        self._view.review.show_keys(self.keys)

    def enable(self, *_: object) -> None:
        """Keys work only where one sees what they do."""
        reviewing = self._view.stack.currentWidget() is self._view.review
        # While an undo is on its way, keys mean the image that comes back.
        there = self._view.review.current() is not None or self._presenter.acts.turns.is_held
        for key in all_keys():
            if key.needs is not Needs.NOTHING:
                self.by_name[key.name].setEnabled(reviewing and (there or key.needs is Needs.PAGE))

    def _number_tabs(self) -> None:
        for number in range(self._view.tabs.count()):
            action = QAction(self)
            action.setShortcut(QKeySequence(f"Alt+{number + 1}"))
            action.triggered.connect(without_arguments(lambda number=number: self._view.show_tab(number)))  # type: ignore[misc]
            self._window.addAction(action)

    def _fill(self, bar: QMenuBar) -> None:
        file, edit, review, show, helping = (bar.addMenu(title) for title in ("&File", "&Edit", "&Review", "&View", "&Help"))
        self._add(file, "open_folder", "export", "evidence", "", "quarantine", "trash")
        self._plain(file, "Quarantine and trash\N{HORIZONTAL ELLIPSIS}", "kept")
        file.addSeparator()
        self._plain(file, "Preferences\N{HORIZONTAL ELLIPSIS}", "preferences")
        self._plain(file, "Quit", "quit", "Ctrl+Q")
        self._add(edit, "undo", "redo", "", "copy_path", "select_all", "search")
        self._add(review, "fake", "real", "unsure", "note", "group", "", "next", "previous")
        self._add(show, *_LOOKING, *_COMPARING, "stack", "", "zoom_in", "zoom_out", "", "larger", "smaller", "", "refresh")
        show.addAction(self.stacking)
        self._plain(show, "Only the folder of this image", "only_folder")
        self._plain(helping, "Guide", "guide", "F1")
        self._add(helping, "keys")
        self._plain(helping, "The models and their cards", "cards")
        helping.addSeparator()
        self._plain(helping, "About dfscan", "about")

    def _show_menu(self, widget: QWidget, at: QPoint) -> None:
        """What can be done with the image under the pointer, or with the selection."""
        if self._view.review.current() is None:
            return
        menu = QMenu(widget)
        self._add(menu, "fake", "real", "unsure", "note", "undo", "", *_LOOKING, "group", "stack", "")
        self._add(menu, "copy_path", "open_folder", "export", "evidence", "", "quarantine", "trash")
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(widget.mapToGlobal(at))

    def _add(self, menu: QMenu, *names: str) -> None:
        for name in names:
            if name:
                menu.addAction(self.by_name[name])
            else:
                menu.addSeparator()

    def _plain(self, menu: QMenu, text: str, name: str, key: str = "") -> None:
        action = QAction(text, self)
        action.triggered.connect(without_arguments(self._plain_work[name]))
        if name in ICONS:
            action.setIcon(icon(ICONS[name]))
        if key:
            action.setShortcut(QKeySequence(key))
        menu.addAction(action)


def without_arguments(work: Callable[[], object]) -> Callable[..., None]:
    """A slot that ignores whether the action is checked."""

    def slot(*_: object) -> None:
        work()

    return slot
