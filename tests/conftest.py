"""For all tests."""

from hypothesis import settings

# How long an example takes is the machine's affair: on a busy one the default of 200 ms fails what is right.
settings.register_profile("kassa", deadline=None)
settings.register_profile("long", deadline=None, max_examples=2_000)
settings.load_profile("kassa")
