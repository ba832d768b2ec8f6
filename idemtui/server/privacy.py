"""A lab is its user's alone: its folder is closed to others where it was open, or named where it cannot be."""

from __future__ import annotations

import os
import stat

from store.lab import Lab


def close_to_others(lab: Lab) -> str | None:
    """Make the lab folder 0700; a line that says what was done or could not be, None where all was well."""
    found = lab.root.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.getuid():
        return f"lab folder {lab.root} belongs to user {found.st_uid}, who can read all that is in it."
    if not mode & 0o077:
        return None
    try:
        lab.root.chmod(0o700)
    except OSError as error:
        return f"lab folder {lab.root} is open to others (mode {mode:o}) and cannot be closed: {error.strerror}."
    return f"lab folder {lab.root} was open to others (mode {mode:o}); it is yours alone now (700)."
