"""`python -m idemtui` is the console script."""

from idemtui.cli.main import run

run()
