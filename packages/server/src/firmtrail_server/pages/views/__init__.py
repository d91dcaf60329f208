"""One file a page: asks handlers of the API, and says what the template gets."""

from firmtrail_server.pages.views import (
    adoption,
    device,
    devices,
    first_device,
    fleet,
    projects,
    sign_in,
    sign_up,
)

__all__ = ["adoption", "device", "devices", "first_device", "fleet", "projects", "sign_in", "sign_up"]
