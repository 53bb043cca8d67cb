"""For all tests."""

from hypothesis import settings

# How long an example takes is the machine's affair: on a busy one the default of 200 ms fails what is right.
settings.register_profile("kassa", deadline=None)
settings.load_profile("kassa")
