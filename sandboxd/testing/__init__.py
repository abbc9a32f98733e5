"""For test suites: a sandbox within the test's own process, and chaos in it.

    from sandboxd.testing import Sandbox

    with Sandbox("fixture.yaml") as vault:
        app = App(vault.address, vault.token)
        with vault.chaos.start("status code=503 path=secret/* times=2"):
            assert app.secret() == "..."

pytest has the fixture `sandbox` and the marker `chaos` from the plugin (`plugin.py`), which is installed with sandboxd.
"""

from sandboxd.testing.control import Chaos, ControlError, Fault, Nodes, Run, Strike
from sandboxd.testing.sandbox import Sandbox

__all__ = ["Chaos", "ControlError", "Fault", "Nodes", "Run", "Sandbox", "Strike"]
