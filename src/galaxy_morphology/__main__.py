"""``python -m galaxy_morphology``: what ``kedro run`` does, for a packaged project."""

import sys
from typing import Any

from kedro.framework.project import configure_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run pipelines, with the options of ``kedro run``."""
    configure_project("galaxy_morphology")
    from galaxy_morphology.cli import run

    kwargs["standalone_mode"] = not hasattr(sys, "ps1")  # an interactive Python goes on
    return run(*args, **kwargs)


if __name__ == "__main__":
    main()
