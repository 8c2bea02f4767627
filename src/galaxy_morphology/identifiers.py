"""CATAIDs as they are written: whole numbers of up to 64 bits, read digit by digit.

A float on the way would round those beyond 2^53 to their neighbours, as 18 digits of Sloan are.
"""

import re

LARGEST = 2**63 - 1
DIGITS = re.compile(r"[0-9]+", re.ASCII)


def read_identifier(digits: str) -> int:
    """The number that digits write.

    Args:
        digits: As in the name of a cut-out or in the label list, zeros in front allowed.

    Raises:
        ValueError: It is no identifier; the text says why, to go behind what was read.
    """
    if digits.startswith("-") and DIGITS.fullmatch(digits[1:]):
        raise ValueError(f"is negative; expected a whole number from 0 to {LARGEST}")
    if not DIGITS.fullmatch(digits):
        raise ValueError(f"is no whole number; expected one from 0 to {LARGEST}")
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(LARGEST)) or int(significant) > LARGEST:
        raise ValueError(f"does not fit into 64 bits; expected at most {LARGEST}")
    return int(significant)
