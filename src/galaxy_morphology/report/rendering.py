"""Filling templates, which escape all that they are given."""

from functools import cache
from typing import Any

from galaxy_morphology.report.pictures import image
from galaxy_morphology.words import format_difference, format_score


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Args:
        template: Name of a file in ``templates``.
        **values: What it is given; text is escaped, and data becomes JSON without a markup sign.
    """
    return str(_environment().get_template(template).render(**values))


def source(name: str) -> str:
    """A file of ``templates`` as it is.

    Args:
        name: Its name.
    """
    environment = _environment()
    return str(environment.loader.get_source(environment, name)[0])


@cache
def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("galaxy_morphology.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"), "ensure_ascii": False, "allow_nan": False,
    }  # fmt: skip
    environment.filters |= {
        "cell": lambda value: f"{value:,}" if isinstance(value, int) else value,
        "difference": format_difference,
        "identifier": lambda title: "-".join(title.lower().split()),
        "image": image,
        "score": format_score,
    }
    return environment
