"""Inventory: stock that is never oversold."""
