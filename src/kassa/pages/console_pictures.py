"""The pictures of a product in the console: added from files, put in front, taken away."""

from typing import Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath

from kassa.kit.web import MOST_OF_PICTURES
from kassa.pages.admins import require_staff
from kassa.pages.catalogue_models import OneProduct, Product
from kassa.pages.client import ApiProblem, path_of
from kassa.pages.console_products import product_form, read_product, values_of
from kassa.pages.sent import files_of
from kassa.pages.visit import Visit, Visiting

_MOST = 10
"""Of a product."""
_REFUSED = (409, 413, 422)


class Picture(msgspec.Struct, frozen=True):
    """What the API says of a picture that it keeps."""

    address: str


class OnePicture(msgspec.Struct, frozen=True):
    """The answer with one."""

    picture: Picture


@post(
    "/console/products/{product_id:str}/pictures",
    include_in_schema=False,
    request_max_body_size=MOST_OF_PICTURES,
    takes_files=True,
)
async def add_pictures(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    try:
        kept, wrong = await _kept(visit, product)
        if kept:
            product = await _save(visit, product, tuple(dict.fromkeys((*product.images, *kept))))
        if wrong:
            raise ApiProblem(422, "picture_refused", errors={"pictures": " ".join(wrong)})
    except ApiProblem as problem:
        return await _told(visit, product, problem)
    return visit.redirect(f"/console/products/{product_id}#pictures", "pictures-added")


@post("/console/products/{product_id:str}/pictures/change", include_in_schema=False)
async def change_pictures(visit: Visiting, product_id: FromPath[str]) -> Response[str]:
    await require_staff(visit)
    product = await read_product(visit, product_id)
    first, away = visit.field("first"), visit.field("remove")
    images = sorted((each for each in product.images if each != away), key=lambda each: each != first)
    try:
        await _save(visit, product, tuple(images))
    except ApiProblem as problem:
        return await _told(visit, product, problem)
    return visit.redirect(f"/console/products/{product_id}#pictures", "product-saved")


async def _kept(visit: Visit, product: Product) -> tuple[list[str], list[str]]:
    """The addresses of the pictures that were sent, and what is wrong with the others."""
    files = await files_of(visit.request)
    if not files:
        return [], ["Choose a picture first."]
    if len(files) + len(product.images) > _MOST:
        return [], [f"A product has at most {_MOST} pictures. Remove some first, or choose fewer."]
    kept, wrong = [], []
    for name, content in files:
        try:
            kept.append((await visit.api.send("POST", "/pictures", OnePicture, content)).picture.address)
        except ApiProblem as problem:
            if problem.code != "picture_refused":
                raise
            wrong.append(f"“{name}” was not added: {problem.detail}.")
    return kept, wrong


async def _save(visit: Visit, product: Product, images: tuple[str, ...]) -> Product:
    expected = product.updated_at.isoformat() if product.updated_at else None
    body = {"images": images, "expectedUpdatedAt": expected}
    return (await visit.api.send("PUT", path_of("products", product.id), OneProduct, body)).product


async def _told(visit: Visit, product: Product, problem: ApiProblem) -> Response[str]:
    if problem.status not in _REFUSED:
        raise problem
    return await product_form(visit, values_of(product), product, problem, problem.status)


CONSOLE_PICTURES: tuple[Any, ...] = (add_pictures, change_pictures)
