"""Chaos: every way Vault fails, on cue.

A **fault** (`model.py`, `kinds/`) is one thing that goes wrong: its kind with parameters, an **aim**, and limits. A
**scenario** is a timeline of faults. `rules.py` decides which fault strikes a request, `facts.py` knows what an aim can
ask of it, `run.py` plays scenarios, `effects/` makes the changes of state that some faults are, and undoes them.

What a fault does on the wire is done where the wire is: in `edge/struck.py`, `edge/conduct.py` and `edge/doors.py`.
"""
