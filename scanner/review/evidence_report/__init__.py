"""The evidence report: a folder that stands as a case file, and sums that show whether it was changed since."""
