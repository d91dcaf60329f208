"""The peer: the same job as its author would do it with Django and the REST framework, from five tables.

It lives in .venv-bench, without anything of ours. PEER_CACHE=1 gives it kept connections and our cache of credentials.
"""
