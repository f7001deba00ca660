"""The dial-a-ride engine: a pure core without I/O. ``search`` looks for plans, ``checker`` proves them.

The two share nothing but :class:`~services.dispatch.planning.problem.Problem`: what the search believes of a route, the
checker works out anew and in another way.
"""
