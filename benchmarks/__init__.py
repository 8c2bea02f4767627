"""How fast the project works, side by side with the original notebook: ``make benchmark``."""
