"""What people have decided for the daemon: its configuration and its API key, and how to read them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from firmtrail_agent.config import credentials
from firmtrail_agent.config.configuration import Configuration
from firmtrail_agent.config.credentials import Credential


@attrs.frozen(kw_only=True)
class Settings:
    """Read together, and replaced together or not at all."""

    load: Callable[[], Configuration]
    environment: Mapping[str, str]
    configuration: Configuration
    credential: Credential


def read_settings(load: Callable[[], Configuration], environment: Mapping[str, str]) -> Settings:
    """Read the configuration and the API key.

    Raises:
        BadConfiguration, CredentialRefused: there is something wrong with them.
    """
    configuration = load()
    credential = read_credential(configuration, environment)
    return Settings(load=load, environment=environment, configuration=configuration, credential=credential)


def read_credential(configuration: Configuration, environment: Mapping[str, str]) -> Credential:
    """Read the API key of the configured device, or raise `CredentialRefused`."""
    return credentials.load(configuration.key_file, environment, identity_file=configuration.identity_file)
