"""The same examples in every run, and no deadline: a shared machine may take a break in the middle of one."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
