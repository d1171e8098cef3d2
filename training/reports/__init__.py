"""Evaluation reports: tables, breakdowns and plots in a folder."""
