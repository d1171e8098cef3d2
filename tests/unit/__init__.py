"""Tests of single modules, in folders as the packages are."""
