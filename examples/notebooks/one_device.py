# %% [markdown]
# # One device's story
#
# What `hamburg-05` of the demo ran within a year, and when nothing was heard of it. `./dev run` prints the two settings
# that this notebook reads: `FIRMTRAIL_URL` and `FIRMTRAIL_API_KEY`.

# %%
import datetime as dt

import firmtrail

client = firmtrail.Client()
device = client.devices.list(name="hamburg-05").first()
assert device is not None
device

# %% [markdown]
# Its history: a row for each version that was reported without another one in between.

# %%
history = client.firmware.history(device.id)
periods = history.to_pandas()
periods[["component", "version", "first_reported_at", "last_reported_at", "superseded_at"]]

# %% [markdown]
# The same as a picture. A bar is thick from the first report to the last; it is thin where the version was in force and
# nothing was heard; what is superseded is fainter.

# %%
history.plot()
# %% [markdown]
# What ran on a day: one call, which is exact for what has been reported.

# %%
today = client.fleet.status().as_of
day = (today - dt.timedelta(days=100)).date()
client.firmware.history(device.id, at=day).to_pandas()[["component", "version", "first_reported_at", "superseded_at"]]

# %% [markdown]
# How many days each version of `main` stayed.

# %%
main = periods[periods["component"] == "main"].set_index("version")
stay = main["superseded_at"].fillna(today) - main["first_reported_at"]
stay.dt.total_seconds().div(86_400).round(1).rename("days").to_frame()

# %% [markdown]
# When the device was silent: longer than its own cadence allows.

# %%
silences = client.fleet.silent(state="ended").to_pandas()
silences.loc[silences["name"] == device.name, ["silent_since", "ended_at", "cadence_seconds"]]
