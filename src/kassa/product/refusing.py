"""How what is wrong with a request is told."""

from kassa.kit.problem import FieldError, Invalid


def refuse(errors: list[FieldError]) -> None:
    """Invalid, with all of them, if there are any."""
    if errors:
        raise Invalid.fields(errors)
