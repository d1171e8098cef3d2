"""The picture in sight: zooming, what lies over it, its near copies."""
