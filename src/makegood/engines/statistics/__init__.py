"""Statistics: NumPy arrays in, NumPy arrays out. Pure computation; nothing is stored and nothing is fetched."""

from makegood.engines.statistics.change import Change, decompose_change
from makegood.engines.statistics.control import Limits, binomial_limit, p_limits, u_limits
from makegood.engines.statistics.localise import Cause, Localised, localise
from makegood.engines.statistics.quantiles import Quantile, quantile
from makegood.engines.statistics.running import Judged, judge_periods
from makegood.engines.statistics.shares import wilson

__all__ = [
    "Cause",
    "Change",
    "Judged",
    "Limits",
    "Localised",
    "Quantile",
    "binomial_limit",
    "decompose_change",
    "judge_periods",
    "localise",
    "p_limits",
    "quantile",
    "u_limits",
    "wilson",
]
