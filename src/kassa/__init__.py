"""Kassa: the order-to-payment core of a shop."""

__version__ = "0.1.0"
