"""A year of a municipality in minutes: Karuna's own rules, time passed in, no service and no database.

Read ``guesses`` first: every number about people that nobody has published stands there and is said to be a guess.
Then ``asks`` (who calls), ``town`` (what decides), ``road`` (what is driven), ``audit`` (whether it can have been so)
and ``measures`` (what came of it).
"""
