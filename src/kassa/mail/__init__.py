"""Mail: what a shop writes, rendered and sent."""
