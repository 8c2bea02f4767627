"""How things lie on disk. Only the catalog names these classes."""
