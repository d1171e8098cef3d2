"""Why a person is not shown a file."""


class NotShown(Exception):
    """The file cannot be looked at. The text is the reason, in a user's words."""


class ChangedSince(NotShown):
    """What lies there now is not what was judged."""
