"""`check-config`: show all that is wrong with the configuration and the API key, or that nothing is."""

from __future__ import annotations

import argparse
import os

from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.cli.output import show
from firmtrail_agent.config import configuration, credentials
from firmtrail_agent.config.configuration import BadConfiguration
from firmtrail_agent.config.credentials import CredentialRefused
from firmtrail_agent.config.layers import Layers, open_to_others
from firmtrail_agent.config.settings import read_credential
from firmtrail_agent.sources.engine import plugins
from firmtrail_agent.sources.engine.registry import BUILT_IN
from firmtrail_agent.state import identity
from firmtrail_agent.system import directories


def check_config(options: argparse.Namespace) -> int:
    layers = layers_of(options)
    try:
        chosen = configuration.load(layers)
        credential = read_credential(chosen, os.environ)
    except (BadConfiguration, CredentialRefused):
        return _show_problems(layers)
    if problems := [*open_to_others(layers), *plugins.clashes(BUILT_IN)]:
        show(*problems)
        return os.EX_CONFIG
    show(f"ok: device {chosen.device_id} reports to {chosen.server_url} with the API key in {credential.file}")
    return os.EX_OK


def _show_problems(layers: Layers) -> int:
    codes: list[int] = []
    problems: list[str] = []
    try:
        configuration.load(layers)
    except BadConfiguration as error:
        codes.append(os.EX_CONFIG)
        problems += error.problems
    try:
        enrolled = identity.file_in(directories.state(layers.environment, layers.root))
        credentials.load(configuration.load_key_file(layers), os.environ, identity_file=enrolled)
    except CredentialRefused as error:
        codes.append(os.EX_NOPERM)
        problems.append(str(error))
    problems += open_to_others(layers)
    show(*dict.fromkeys(problems))
    return codes[0]
