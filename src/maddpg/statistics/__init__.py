"""Statistics of a handful of runs, with NumPy and a little SciPy: what the scores of few seeds do and do not tell (docs/statistics.md).

Scores are given as a sequence of tasks, and of each task an array of one number for each run; leading axes are bootstrap draws. Most of it
is after Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
"""

from maddpg.statistics.aggregates import Tasks, interquartile_mean, mean, median, optimality_gap
from maddpg.statistics.bootstrap import DRAWS, LEVEL, Interval, bootstrap, stratified_interval, take_interval
from maddpg.statistics.improvement import improvement_p_value, probability_of_improvement
from maddpg.statistics.jackknife import crossed_interval, jackknife_interval, student_interval
from maddpg.statistics.nash import NashAverage, nash_average
from maddpg.statistics.profiles import performance_profile
from maddpg.statistics.ratings import elo_ratings

__all__ = [
    "DRAWS",
    "LEVEL",
    "Interval",
    "NashAverage",
    "Tasks",
    "bootstrap",
    "crossed_interval",
    "elo_ratings",
    "improvement_p_value",
    "interquartile_mean",
    "jackknife_interval",
    "mean",
    "median",
    "nash_average",
    "optimality_gap",
    "performance_profile",
    "probability_of_improvement",
    "stratified_interval",
    "student_interval",
    "take_interval",
]
