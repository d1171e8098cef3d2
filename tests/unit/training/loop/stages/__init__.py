"""Tests of a run in its parts."""
