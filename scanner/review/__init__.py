"""The review queue: pages, filters, decisions, and all that is known of one image."""
