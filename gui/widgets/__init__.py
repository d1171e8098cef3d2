"""Parts of pages: grid, preview, details, filters."""
