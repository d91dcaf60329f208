"""From the options of the command line to the configuration that they ask for."""

from __future__ import annotations

import argparse
import os

from firmtrail_agent.config import configuration
from firmtrail_agent.config.configuration import Configuration
from firmtrail_agent.config.layers import Layers, open_to_others
from firmtrail_agent.config.settings import Settings, read_settings
from firmtrail_agent.system import log


def layers_of(options: argparse.Namespace) -> Layers:
    """Say what the command line and the environment ask for."""
    return Layers(
        environment=os.environ,
        settings=[*options.settings_before, *options.settings],
        file=options.config,
        root=options.root,
    )


def load_configuration(layers: Layers) -> Configuration:
    """Read the configuration. Who may change it is said, not refused: an update of the agent must silence no device."""
    for problem in open_to_others(layers):
        log.warning(problem)
    return configuration.load(layers)


def settings_of(options: argparse.Namespace) -> Settings:
    layers = layers_of(options)
    return read_settings(lambda: load_configuration(layers), os.environ)
