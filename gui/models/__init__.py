"""What the widgets show, as Qt models, and the presenter that keeps it up to date."""
