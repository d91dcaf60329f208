# %% [markdown]
# # Silent devices
#
# Who is silent, since when, what they ran last, and who came back.

# %%
import firmtrail

client = firmtrail.Client()
status = client.fleet.status(labels={"model": None})
print(f"{status.silent} of {status.devices} devices are silent, {status.never_reported} never reported")

# %%
silent = client.fleet.silent(labels={"model": None}).to_pandas(labels=["site", "model"])
silent = silent.sort_values("silent_since")
silent[["name", "labels.site", "labels.model", "silent_since", "never_reported"]]

# %% [markdown]
# For how many days. A device that has never reported is counted from its registration.

# %%
days = (status.as_of - silent["silent_since"]).dt.total_seconds() / 86_400
ax = days.set_axis(silent["name"]).plot.barh(color="#0072B2", figsize=(9, 2.5), xlabel="days")
ax.invert_yaxis()

# %% [markdown]
# What they ran last, and what they missed: the history of the one that has been silent for longest.

# %%
lost = silent[~silent["never_reported"]].iloc[0]
client.firmware.history(lost["device_id"]).plot()
# %% [markdown]
# Do they have something in common? The share of silent devices of each site.

# %%
devices = client.devices.list(labels={"model": None}).to_pandas(labels=["site"])
by_site = devices.assign(silent=devices["silent_since"].notna()).groupby("labels.site")["silent"].agg(["sum", "count"])
by_site.rename(columns={"sum": "silent", "count": "devices"})

# %% [markdown]
# Who came back within 90 days.

# %%
client.fleet.silent(state="ended").to_pandas()[["name", "silent_since", "ended_at"]]
