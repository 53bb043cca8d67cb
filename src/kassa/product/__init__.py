"""Product: the catalogue, its prices, and how it is imported and exported."""
