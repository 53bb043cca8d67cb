"""Receipts, invoices and credit notes: one for each paid order and each refund, with numbers that have no gaps."""
