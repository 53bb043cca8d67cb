"""The pictures that the shop keeps: made once, shown for ever under an address that tells what they are, and removed
when no product has had them for a week, unless they are kept for something else."""

import asyncio
import hashlib
from contextlib import suppress

import msgspec

from kassa.contracts.pictures import ADDRESS, PATH, Size, sizes_at
from kassa.kit.clock import DAY, Clock, Millis
from kassa.kit.documents import Collection, CollectionSpec, Conflict, Document, Duplicate, change, pages
from kassa.kit.problem import NotFound, Unavailable
from kassa.product.domain import Product

KEPT_UNUSED: Millis = 7 * DAY
MOST_WAITING = 4
"""Pictures that wait to be made: each may have some megabytes."""
_STEP = 100


class Picture(Document, frozen=True, kw_only=True):
    """One picture: the addresses of its sizes. `due_at` is when it is next looked whether a product has it; None for
    one that is kept for something else."""

    addresses: tuple[str, ...]
    is_leaving: bool = False


class PictureFile(Document, frozen=True, kw_only=True):
    """One size of one picture, by its name."""

    content: bytes


PICTURES = CollectionSpec("pictures", Picture)
PICTURE_FILES = CollectionSpec("picture_files", PictureFile)


class Pictures:
    """Takes pictures, has them, and removes those that no product has."""

    def __init__(
        self,
        pictures: Collection[Picture],
        files: Collection[PictureFile],
        products: Collection[Product],
        clock: Clock,
    ) -> None:
        self._pictures = pictures
        self._files = files
        self._products = products
        self._clock = clock
        self._making = asyncio.Lock()
        self._waiting = 0

    async def add(self, content: bytes, *, keep: bool = False) -> list[Size]:
        """Keep a picture, also if no product has it; its sizes, the largest last. Sent again it is the same one.
        PictureRefused; Unavailable while too many are being made."""
        digest = hashlib.sha256(content).hexdigest()[:32]
        made = await self._made(content, digest)
        await self._note(digest, tuple(made), keep=keep)
        for address, file in made.items():
            with suppress(Duplicate):
                await self._files.insert(PictureFile(id=_name(address), content=file))
        return sizes_at(list(made)[-1])

    async def file(self, name: str) -> bytes:
        """One size of a picture, in WebP; NotFound."""
        found = await self._files.get(name) if ADDRESS.fullmatch(f"{PATH}/{name}") else None
        if found is None:
            raise NotFound(f"there is no picture {name[:60]}")
        return found.content

    async def remove_unused(self) -> None:
        """Remove what was not used when it was looked at, a week after it was sent or looked at last."""
        if not await self._pictures.due(self._clock.now(), 1):
            return
        used: set[str] = set()
        async for page in pages(self._products):
            found = (ADDRESS.fullmatch(image) for product in page for image in product.images)
            used.update(each[2] for each in found if each)
        while due := await self._pictures.due(self._clock.now(), _STEP):
            for picture in due:
                with suppress(Conflict):  # It was sent again meanwhile.
                    await (self._keep if picture.id in used else self._remove)(picture)

    async def _made(self, content: bytes, digest: str) -> dict[str, bytes]:
        """One at a time, beside all that the process has to do otherwise."""
        if self._waiting > MOST_WAITING:
            raise Unavailable("other pictures are being made; send it again in a moment")
        self._waiting += 1
        try:
            async with self._making:
                return await asyncio.to_thread(_reencoded, content, digest)
        finally:
            self._waiting -= 1

    async def _note(self, digest: str, addresses: tuple[str, ...], *, keep: bool) -> None:
        """Before the files are there, so that none is there that nobody knows of."""

        def kept(known: Picture) -> Picture:
            if known.is_leaving:
                raise Unavailable("this picture is just being removed; send it again in a moment")
            return msgspec.structs.replace(known, due_at=due_at if known.due_at is not None else None)

        due_at = None if keep else self._due_at()
        while await change(self._pictures, digest, kept) is None:
            with suppress(Duplicate):
                await self._pictures.insert(Picture(id=digest, addresses=addresses, due_at=due_at))

    def _due_at(self) -> Millis:
        """At midnight, so that the catalogue is read once a day and not for each picture."""
        return -(-(self._clock.now() + KEPT_UNUSED) // DAY) * DAY

    async def _keep(self, picture: Picture) -> None:
        await self._pictures.save(msgspec.structs.replace(picture, due_at=self._due_at()))

    async def _remove(self, picture: Picture) -> None:
        leaving = await self._pictures.save(msgspec.structs.replace(picture, is_leaving=True))
        for address in leaving.addresses:
            await self._files.delete(_name(address))
        await self._pictures.delete(leaving.id)


def _name(address: str) -> str:
    return address.removeprefix(f"{PATH}/")


def _reencoded(content: bytes, digest: str) -> dict[str, bytes]:
    from kassa.product.reencoding import reencoded  # Pillow is for those who send pictures.

    return reencoded(content, digest)
