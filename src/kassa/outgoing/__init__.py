"""Outgoing events: their log, and the endpoints that they are sent to."""
