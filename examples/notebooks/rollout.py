# %% [markdown]
# # A rollout
#
# How 1.6.0 spreads over the demo's fleet, what happened to 1.5.0, and who is left.

# %%
import datetime as dt

import polars as pl

import firmtrail

client = firmtrail.Client()
today = client.fleet.status().as_of
client.fleet.versions(component="main").plot()
# %% [markdown]
# The shares of all versions within a year. 1.5.0 came to some devices, and was taken back within a week.

# %%
client.fleet.adoption(since=today - dt.timedelta(days=364), step="day").plot()
# %% [markdown]
# The rollout of 1.6.0 alone: three waves so far. A dotted line says when half of the devices had had it.

# %%
adoption = client.fleet.adoption(version="1.6.0", since=today - dt.timedelta(days=20), step="hour")
adoption.plot()
adoption.rollout

# %% [markdown]
# Who went back, and how often: the devices that had taken 1.5.0, and one that keeps changing.

# %%
rollbacks = client.fleet.rollbacks(since=today - dt.timedelta(days=90)).to_polars()
rollbacks.group_by("component", "from_version", "to_version").agg(pl.col("device_name").n_unique().alias("devices"))

# %%
client.fleet.flapping()

# %% [markdown]
# Who is left, by site. `labels=` gives a label a column of its own.

# %%
left = client.devices.list(component="main", version="<1.6").to_polars(labels=["site", "model"])
left.group_by("labels.site").len("devices").sort("devices", descending=True)

# %% [markdown]
# Those that are more than one release behind: one row a component after `explode`.

# %%
running = left.select("name", "labels.site", "firmware").explode("firmware").unnest("firmware")
running.filter(pl.col("component") == "main", pl.col("version") < "1.5").sort("since")

# %% [markdown]
# How many run what they should.

# %%
compliance = client.fleet.compliance().to_polars()
compliance.select("rule_component", "rule_versions", "on_accepted_version", "on_other_version")
