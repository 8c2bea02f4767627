"""Tests of simulated surveys; a package, for it has a conftest and helpers of its own."""
