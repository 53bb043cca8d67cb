"""What the doctor says of what former releases stored under two spellings of one."""

from pathlib import Path

from kassa.auth.store import USERS
from kassa.kit.documents import Database
from kassa.product.store import PRODUCTS
from kassa.storage.documents_sqlite import SqliteDatabase
from tests.app.process import kassa
from tests.auth.world import stored_user
from tests.product.world import stored_product


async def _as_a_former_release(database: Database) -> None:
    users, products = await database.collection(USERS), await database.collection(PRODUCTS)
    for number, email in enumerate(["a\u200bda@shop.example", "ada\u200b@shop.example"]):
        await users.insert(stored_user(f"usr_{number}", email))
    for number, sku in enumerate(["M-1", "M-1\u200b"]):
        await products.insert(stored_product(f"prd_{number}", sku))


async def test_the_doctor_names_what_looks_the_same_and_says_what_to_do(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "kassa.db")
    await _as_a_former_release(database)
    await database.close()
    done = kassa(tmp_path, "doctor", "--data", str(tmp_path))
    assert done.returncode == 0, done.stdout
    told = [line.partition(" — ") for line in done.stdout.splitlines() if line.startswith("! ")]
    assert [what for what, _, _ in told] == [
        "! account usr_1: its address, stored as 'ada\\u200b@shop.example', looks like that of usr_0",
        "! product prd_1: its SKU, stored as 'M-1\\u200b', looks like that of prd_0",
    ]
    assert all(advice for _, _, advice in told)
