"""How the window looks: colours, icons, distances."""
