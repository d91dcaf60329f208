"""Where secret settings are kept: variables, files, systemd credentials, Vault, AWS Secrets Manager. Blocking.

docs/decisions/0020-secret-sources.md says why the stores are asked here and not by something beside the server.
"""

from firmtrail_server.secret_sources.errors import SecretUnreadable
from firmtrail_server.secret_sources.sources import SecretSources

__all__ = ["SecretSources", "SecretUnreadable"]
