"""`rotate-key`: replace the API key that this device has by enrollment; an agent that runs takes it by itself."""

from __future__ import annotations

import argparse

from firmtrail_agent.cli.enroll import finish, identity_file
from firmtrail_agent.cli.options import layers_of
from firmtrail_agent.config import configuration
from firmtrail_agent.server import enrollment


def rotate_key(options: argparse.Namespace) -> int:
    server = configuration.load_server(layers_of(options))
    return finish(enrollment.rotate(server, identity_file(options)), "device {} has a new API key")
