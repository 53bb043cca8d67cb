"""Somebody with an authenticator in their pocket."""

from typing import Any

import httpx
from pyotp import TOTP

from kassa.auth.codes import STEP

from .world import EMAIL, PASSWORD, World


class Person:
    """A user with a second factor: their session, the secret in their authenticator, and their recovery codes."""

    def __init__(self, world: World, email: str, secret: str, made: dict[str, Any]) -> None:
        self.world = world
        self.email = email
        self.secret = secret
        self.session: dict[str, Any] = made["session"]
        self.recovery: list[str] = made["recoveryCodes"]

    @classmethod
    async def with_factor(cls, world: World, session: dict[str, Any], email: str = EMAIL) -> "Person":
        """The user of this session, who sets a second factor up."""
        begun = await world.post("/auth/second-factor", token=session["token"], password=PASSWORD)
        assert begun.status_code == 200, begun.text
        secret = begun.json()["secret"]
        code = TOTP(secret).generate_otp(world.clock.now() // STEP)
        made = await world.post("/auth/second-factor/confirm", token=session["token"], code=code)
        assert made.status_code == 200, made.text
        return cls(world, email, secret, made.json())

    @property
    def token(self) -> str:
        token: str = self.session["token"]
        return token

    def code(self, steps: int = 0) -> str:
        """What the authenticator shows, so many steps from now."""
        return TOTP(self.secret).generate_otp(self.world.clock.now() // STEP + steps)

    def wrong_code(self) -> str:
        """Six digits that are not right."""
        right = {self.code(each) for each in (-1, 0, 1)}
        return next(guess for digit in "0123" if (guess := digit * 6) not in right)

    def next_code(self) -> str:
        """The code of the next step, for which this waits."""
        self.world.clock.advance(STEP)
        return self.code()

    async def challenge(self, **more: Any) -> str:
        """What the right password is answered."""
        answer = await self.world.login(email=self.email, **more)
        document = answer.json()
        assert (answer.status_code, document["code"]) == (401, "second_factor_required")
        challenge: str = document["challenge"]
        return challenge

    async def answer(self, challenge: str, code: str) -> httpx.Response:
        """The second step of a log-in."""
        return await self.world.post("/auth/login/second-factor", challenge=challenge, code=code)

    async def try_code(self, code: str) -> httpx.Response:
        """Both steps of a log-in."""
        return await self.answer(await self.challenge(), code)

    async def change(self, what: str, code: str, password: str = PASSWORD) -> httpx.Response:
        """Something for which the password and a code are asked again."""
        return await self.world.post(f"/auth/{what}", token=self.token, password=password, code=code)
