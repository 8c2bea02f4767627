"""Tests of the page; a package, for it has helpers of its own."""
