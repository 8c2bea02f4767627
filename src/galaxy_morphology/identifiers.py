"""Identifiers of galaxies as they are written: whole numbers of up to 64 bits, or texts.

Numbers are read digit by digit: a float on the way would round those beyond 2^53 to their
neighbours, as 18 digits of Sloan are.
"""

import re
import unicodedata
from typing import Literal

LARGEST = 2**63 - 1
LONGEST = 200
"""Letters of an identifier that is a text."""
DIGITS = re.compile(r"[0-9]+", re.ASCII)
INTEGER = re.compile(r"\+?(-?[0-9]+)(?:\.0*)?", re.ASCII)
ROUNDED = re.compile(r"[0-9]\.[0-9]+[eE]\+?[0-9]+", re.ASCII)

Identifier = int | str
Identifiers = Literal["integer", "text"]
"""What the identifiers of a survey are."""


def read_identifier(text: str, identifiers: Identifiers = "integer") -> Identifier:
    """The identifier that a text is.

    Args:
        text: As in the name of a cut-out or in the label list. Numbers may have zeros in front.
        identifiers: What they are in this survey.

    Raises:
        ValueError: It is no identifier; the text says why, to go behind what was read.
    """
    return read_number(text) if identifiers == "integer" else _read_text(text)


def read_cell(text: str, identifiers: Identifiers) -> Identifier:
    """The identifier in a cell of a table, where numbers may be written as decimals.

    Args:
        text: As in the table: ``7``, ``7.0`` or `` 7 ``.
        identifiers: What they are in this survey.

    Raises:
        ValueError: See :func:`read_identifier`.
    """
    return read_identifier(digits_of(text) if identifiers == "integer" else text, identifiers)


def read_number(digits: str) -> int:
    """The number that digits write.

    Args:
        digits: Zeros in front allowed.

    Raises:
        ValueError: They are no whole number from 0 that fits into 64 bits; says why.
    """
    if digits.startswith("-") and DIGITS.fullmatch(digits[1:]):
        raise ValueError(f"is negative; expected a whole number from 0 to {LARGEST}")
    if not DIGITS.fullmatch(digits):
        raise ValueError(f"is no whole number; expected one from 0 to {LARGEST}")
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(LARGEST)) or int(significant) > LARGEST:
        raise ValueError(f"does not fit into 64 bits; expected at most {LARGEST}")
    return int(significant)


def column_type(identifiers: Identifiers) -> str:
    """The type of a column of identifiers of which some are missing.

    Args:
        identifiers: What they are in this survey.
    """
    return "Int64" if identifiers == "integer" else "str"


def digits_of(text: str) -> str:
    """The digits of an integer, also of one that is written as a decimal; else the text.

    Args:
        text: As in a table.
    """
    written = INTEGER.fullmatch(text.strip())
    return written.group(1) if written else text


def _read_text(text: str) -> str:
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        raise ValueError("is empty; expected a name")
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"is no name; expected up to {LONGEST} letters, digits and signs")
    if ROUNDED.fullmatch(text):
        raise ValueError("is a rounded number; expected all digits: some program took it for one")
    return text
