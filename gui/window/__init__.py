"""The main window: actions, keys, menus, dialogs, notifications."""
