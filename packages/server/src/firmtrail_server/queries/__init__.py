"""The statements, one function each: the connection first, the project second.

Questions about a whole project are planned for their values each time (`prepare=False`): a plan for any values cannot
leave out the filters that are not given, and reads a hundred times as much.
"""
