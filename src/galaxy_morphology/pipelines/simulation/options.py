"""Typed parameters of simulation."""

from typing import ClassVar, Self

from pydantic import Field, RootModel, model_validator

from galaxy_morphology.options import Options


class _Limited(Options):
    """A distribution between two limits."""

    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self

    def _check_centre(self, centre: float) -> None:
        if not self.minimum <= centre <= self.maximum:
            raise ValueError(
                f"the centre {centre} lies outside the limits {self.minimum} to {self.maximum}"
            )


class Uniform(_Limited):
    """Uniform between the limits."""


class Normal(_Limited):
    """Normal, truncated at the limits."""

    mean: float
    sd: float = Field(gt=0)

    @model_validator(mode="after")
    def _centre_within(self) -> Self:
        self._check_centre(self.mean)
        return self


class LogNormal(_Limited):
    """Log-normal, truncated at the limits, its scatter in decades."""

    minimum: float = Field(gt=0)
    median: float = Field(gt=0)
    dex: float = Field(gt=0)

    @model_validator(mode="after")
    def _centre_within(self) -> Self:
        self._check_centre(self.median)
        return self


class NumberCounts(Options):
    """Magnitudes whose number grows as 10^(slope × magnitude)."""

    bright: float
    faint: float
    slope: float = Field(gt=0)

    @model_validator(mode="after")
    def _bright_is_smaller(self) -> Self:
        if self.bright >= self.faint:
            raise ValueError(f"bright {self.bright} is not below faint {self.faint}")
        return self


class OneOf(Options):
    """One of several values."""

    values: tuple[float, ...] = Field(min_length=1)
    weights: tuple[float, ...]

    @model_validator(mode="after")
    def _a_weight_for_each(self) -> Self:
        if len(self.weights) != len(self.values) or min(self.weights) < 0 or not sum(self.weights):
            raise ValueError(
                f"expected a weight of 0 or more for each of {len(self.values)} values, and not "
                f"all of them 0; found {list(self.weights)}"
            )
        return self


Distribution = float | Normal | LogNormal | NumberCounts | OneOf | Uniform


Limits = dict[str, tuple[float, float]]
"""Least and largest value by parameter."""


def limits(distribution: Distribution) -> tuple[float, float]:
    """The smallest and the largest value that can be drawn."""
    if isinstance(distribution, _Limited):
        return distribution.minimum, distribution.maximum
    if isinstance(distribution, NumberCounts):
        return distribution.bright, distribution.faint
    if isinstance(distribution, OneOf):
        return min(distribution.values), max(distribution.values)
    return distribution, distribution


class _Component(Options):
    """A part of a galaxy; ``possible`` are the limits of what can be drawn for it."""

    possible: ClassVar[Limits]

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for name, (lowest, highest) in self.possible.items():
            smallest, largest = limits(getattr(self, name))
            if smallest < lowest or largest > highest:
                raise ValueError(
                    f"{name} may be {smallest} to {largest}; expected {lowest} to {highest}"
                )
        return self


class _OptionalComponent(_Component):
    """A part that only some galaxies of a population have."""

    probability: float = Field(default=1.0, ge=0, le=1)


class _Coloured(_OptionalComponent):
    """A part with colours of its own, in mag against those of the disc."""

    redder_g_i: Distribution = 0.0
    redder_i_h: Distribution = 0.0


ABOVE_ZERO = 1e-3


class Bulge(_Coloured):
    """A Sérsic profile; alone, the whole galaxy."""

    fraction: Distribution = 1.0
    sersic_index: Distribution
    half_light_radius: Distribution
    axis_ratio: Distribution

    possible: ClassVar[Limits] = {
        "fraction": (ABOVE_ZERO, 1),
        "sersic_index": (0.3, 6.2),  # what GalSim draws
        "half_light_radius": (ABOVE_ZERO, 1000),
        "axis_ratio": (0.05, 1),
    }


class Disc(_Component):
    """An exponential disc."""

    half_light_radius: Distribution
    inclination: Distribution
    thickness: Distribution

    possible: ClassVar[Limits] = {
        "half_light_radius": (ABOVE_ZERO, 1000),
        "inclination": (0, 90),
        "thickness": (0.01, 1),
    }


class Arms(_Coloured):
    """Logarithmic spiral arms in the plane of the disc."""

    fraction: Distribution
    number: Distribution
    pitch_angle: Distribution
    sharpness: Distribution

    possible: ClassVar[Limits] = {
        "fraction": (ABOVE_ZERO, 1),
        "number": (1, 12),
        "pitch_angle": (1, 80),
        "sharpness": (0.1, 50),
    }


class Bar(_Coloured):
    """A bar in the plane of the disc."""

    fraction: Distribution
    length: Distribution
    axis_ratio: Distribution

    possible: ClassVar[Limits] = {
        "fraction": (ABOVE_ZERO, 1),
        "length": (ABOVE_ZERO, 5),
        "axis_ratio": (0.05, 1),
    }


class Knots(_Coloured):
    """Knots of star formation in the plane of the disc."""

    fraction: Distribution
    number: Distribution
    scatter: Distribution

    possible: ClassVar[Limits] = {
        "fraction": (ABOVE_ZERO, 1),
        "number": (1, 1000),
        "scatter": (0, 3),
    }


class Dust(_OptionalComponent):
    """A lane of dust in the plane of the disc."""

    optical_depth: Distribution
    thickness: Distribution

    possible: ClassVar[Limits] = {
        "optical_depth": (0, 100),
        "thickness": (0.01, 1),
    }


class Population(Options):
    """Galaxies of one kind; see ``simulation.draw_truth``."""

    target: int
    share: float = Field(ge=0)
    magnitude: Distribution
    g_minus_i: Distribution
    i_minus_h: Distribution
    bulge: Bulge | None = None
    disc: Disc | None = None
    arms: Arms | None = None
    bar: Bar | None = None
    knots: Knots | None = None
    dust: Dust | None = None

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        if self.disc is None:
            if self.bulge is None or self.bulge.probability < 1 or self.bulge.fraction != 1:
                raise ValueError(
                    "expected a disc, or a bulge with probability 1 and fraction 1: a galaxy's "
                    "light must be somewhere"
                )
            for name in ("arms", "bar", "knots", "dust"):
                if getattr(self, name):
                    raise ValueError(f"{name}: there is no disc to lie in")
        else:
            for names in (("bulge", "bar"), ("arms", "knots")):
                parts = [part for name in names if (part := getattr(self, name))]
                most = sum(limits(part.fraction)[1] for part in parts)
                if most >= 1:
                    raise ValueError(
                        f"{' and '.join(names)} may have fractions of up to {most:.2f} together "
                        "and leave nothing for the disc: lower their largest values"
                    )
        return self


class Populations(RootModel[dict[str, Population]]):
    """The populations by name."""

    @model_validator(mode="after")
    def _some_have_a_share(self) -> Self:
        if not sum(population.share for population in self.root.values()):
            raise ValueError("expected a population with a share above 0")
        return self


class SimulationOptions(Options):
    """The survey as a whole."""

    n_galaxies: int = Field(ge=1, le=10_000_000)
    label_error_rate: float = Field(ge=0, lt=1)
    seed: int = Field(ge=0)


class DistributionByBand(Options):
    """A distribution for each band."""

    h: Distribution
    i: Distribution
    g: Distribution


class ValueByBand(Options):
    """A value for each band."""

    h: float
    i: float
    g: float


class Stars(Options):
    """Stars in the field."""

    density: float = Field(ge=0, le=1000)
    magnitude: Distribution
    g_minus_i: Distribution
    i_minus_h: Distribution


class Neighbours(Stars):
    """Galaxies in the field."""

    half_light_radius: Distribution


class ObservationOptions(Options):
    """How cut-outs are taken; see ``simulation.observe``."""

    pixel_scale: float = Field(gt=0)
    frame: Distribution
    minimum_side: int = Field(ge=16)
    maximum_side: int = Field(ge=16, le=1024)
    off_centre: float = Field(ge=0)
    moffat_beta: float = Field(gt=1.1)
    psf_fwhm: DistributionByBand
    sky_noise: DistributionByBand
    electron_magnitude: ValueByBand
    noise_correlation: float = Field(gt=0, le=10)
    dead_band_rate: float = Field(ge=0, le=1)
    neighbours: Neighbours
    stars: Stars
    white: ValueByBand
    stretch: Distribution
    softening: Distribution

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.minimum_side > self.maximum_side:
            raise ValueError(
                f"minimum_side {self.minimum_side} is above maximum_side {self.maximum_side}"
            )
        for band, fwhm in self.psf_fwhm:
            if limits(fwhm)[0] < self.pixel_scale:
                raise ValueError(
                    f"psf_fwhm.{band} may be {limits(fwhm)[0]} arcsec, less than a pixel of "
                    f"{self.pixel_scale}"
                )
        for name in ("frame", "stretch", "softening"):
            if limits(getattr(self, name))[0] <= 0:
                raise ValueError(f"{name} may be {limits(getattr(self, name))[0]}; expected > 0")
        if limits(self.neighbours.half_light_radius)[0] <= 0:
            raise ValueError("neighbours.half_light_radius may be 0 or less; expected > 0")
        return self


class PopulationSheetOptions(Options):
    """The sheet of populations."""

    galaxies_per_population: int = Field(ge=1, le=100)
