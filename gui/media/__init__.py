"""Pictures for the window: thumbnails, previews, heatmaps, their caches."""
