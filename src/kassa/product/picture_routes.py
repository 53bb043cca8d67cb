"""The public endpoints of pictures."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from kassa.contracts.pictures import PATH, PictureRefused, Size
from kassa.kit.web import MOST_OF_PICTURES, JsonResponse, principal_of
from kassa.product.family_routes import service_of

_TAGS = ["pictures"]
_WEBP = ResponseSpec(bytes, generate_examples=False, media_type="image/webp", description="The picture, in WebP")
_Keep = Annotated[bool, QueryParameter(description="Also if no product has it: a logo, for a start")]
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}
"""What is at an address never changes; and front ends of other origins show it."""


class PictureOut(msgspec.Struct, frozen=True):
    """A picture: its largest size, by whose address products name it, and all of its sizes for `srcset`."""

    address: str
    width: int
    height: int
    sizes: list[Size]


class PictureAnswer(msgspec.Struct, frozen=True):
    """The answer with one picture."""

    picture: PictureOut


@post(PATH, tags=_TAGS, refuses=(PictureRefused,), takes_bytes=True, request_max_body_size=MOST_OF_PICTURES)
async def add_picture(request: Request[Any, Any, Any], keep: _Keep = False) -> Response[PictureAnswer]:
    """Keep a picture for products: a JPEG, PNG or WebP as the body, of at most 12 MiB
    and 30 million pixels (16 million if it is no JPEG). It is made anew in the
    sizes that pages show, without what cameras write into it. Put its address
    among the `images` of a product; what no product has for a week is removed,
    unless it is sent with `keep=true`. The same picture sent again is the same one."""
    await principal_of(request)
    sizes = await service_of(request).pictures.add(await request.body(), keep=keep)
    largest = sizes[-1]
    body = PictureAnswer(PictureOut(largest.address, largest.width, largest.height, sizes))
    return JsonResponse(body, status_code=201, media_type="application/json")


@get(f"{PATH}/{{name:str}}", tags=_TAGS, responses={200: _WEBP})
async def picture_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One size of a picture. What is at an address never changes."""
    content = await service_of(request).pictures.file(name)
    return Response(content, media_type="image/webp", headers=_HEADERS)


HANDLERS = (add_picture, picture_file)
