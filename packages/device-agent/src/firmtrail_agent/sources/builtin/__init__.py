"""The sources that come with the agent, a module each; `engine/registry.py` lists them."""
