"""The real way to Stripe, to a server that answers as a test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from kassa.payment.processor_stripe import StripeProcessor


@asynccontextmanager
async def answered(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[StripeProcessor]:
    """The way to a Stripe that answers every call so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    processor = StripeProcessor("rk_test_x", ("whsec_x",), f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield processor
    finally:
        await processor.close()
        await runner.cleanup()
