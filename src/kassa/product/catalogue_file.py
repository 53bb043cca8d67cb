"""The file that a catalogue is imported from: Kassa's own, or another shop's product export, told by its columns."""

from kassa.product import catalogue_csv
from kassa.product.catalogue_csv import IN_LOWER_CASE, Sheet
from kassa.product.csv_file import Table
from kassa.product.shopify_csv import is_shopify, read_shopify
from kassa.product.woocommerce_csv import is_woocommerce, read_woocommerce


def read(content: bytes | str) -> Sheet:
    """The rows of the file, and all that is wrong with it. Invalid if it is none of these files."""
    table = Table(content, {*IN_LOWER_CASE, "title", "handle", "url handle", "type", "published", "regular price"})
    if is_shopify(table.header):
        return read_shopify(table)
    if is_woocommerce(table.header):
        return read_woocommerce(table)
    return catalogue_csv.read(content)
