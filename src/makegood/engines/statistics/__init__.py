"""Statistics: NumPy arrays in, NumPy arrays out. Pure computation; nothing is stored and nothing is fetched."""

from makegood.engines.statistics.change import Change, decompose_change
from makegood.engines.statistics.control import Limits, binomial_limit, p_limits, u_limits
from makegood.engines.statistics.effect import CannotTell, Effect, Range, Series, effect, periods_needed, refuses
from makegood.engines.statistics.localise import Cause, Localised, localise
from makegood.engines.statistics.mix import Mix, mix_of
from makegood.engines.statistics.quantiles import Quantile, quantile
from makegood.engines.statistics.running import Judged, judge_periods
from makegood.engines.statistics.shares import wilson
from makegood.engines.statistics.uplift import Uplift, people_needed, uplift, uplift_of_means

__all__ = [
    "CannotTell",
    "Cause",
    "Change",
    "Effect",
    "Judged",
    "Limits",
    "Localised",
    "Mix",
    "Quantile",
    "Range",
    "Series",
    "Uplift",
    "binomial_limit",
    "decompose_change",
    "effect",
    "judge_periods",
    "localise",
    "mix_of",
    "p_limits",
    "people_needed",
    "periods_needed",
    "quantile",
    "refuses",
    "u_limits",
    "uplift",
    "uplift_of_means",
    "wilson",
]
