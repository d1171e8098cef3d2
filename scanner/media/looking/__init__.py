"""Pictures for people to look at, decoded in limited processes, and only where they are still what was judged."""
