"""Work off the thread of the window: queries, commands with undo, processes."""
