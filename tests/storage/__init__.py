"""Tests of what keeps the data."""
