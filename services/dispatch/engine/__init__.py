"""The planner's processes: compiled code and long searches live outside the process that answers HTTP.

One engine process for each process of dispatch, with a search thread for each core: the kernels hold no lock while
they work, and what compiling needs in memory (most of it) is there once instead of once per core.
"""
