"""Which types of sources there are: those of this package, each imported only when it is asked for, and plug-ins."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from firmtrail_agent.sources.engine import plugins
from firmtrail_agent.sources.engine.source import Source

#: the name of a type in the configuration, and the class in this package
BUILT_IN: Mapping[str, str] = {
    "drop-directory": "drop_directory.DropDirectory",
    "rpm-ostree": "rpm_ostree.RpmOstree",
    "bootc": "bootc.Bootc",
    "ostree": "ostree.Ostree",
    "rauc": "rauc.Rauc",
    "mender": "mender.Mender",
    "mender-provides": "mender.MenderProvides",
    "swupdate": "swupdate.Swupdate",
    "os-release": "os_release.OsRelease",
    "kernel": "kernel.Kernel",
    "dmi": "dmi.Dmi",
    "device-tree": "device_tree.DeviceTree",
    "fwupd": "fwupd.Fwupd",
    "dpkg": "dpkg.Dpkg",
    "apk": "apk.Apk",
    "rpm": "rpm.Rpm",
    "snap": "snap.Snap",
    "uboot-env": "uboot_env.UbootEnv",
    "file": "file.File",
    "command": "command.Command",
}


def source_type(name: str) -> type[Source]:
    """Import the class of a type.

    Raises:
        plugins.TypeRefused: there is none, or it comes from a plug-in that cannot be used.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(".")
        return getattr(import_module(f"firmtrail_agent.sources.builtin.{module}"), attribute)
    return plugins.load(name, BUILT_IN)
