"""The pages, at a glance: where each is, what makes it, and the handler of the API whose access it has."""

from firmtrail_server.handlers import adoption, devices, fleet_status, history, projects
from firmtrail_server.pages import views
from firmtrail_server.pages.page import Page

_PROJECT = "/projects/{project_id}"
_DEVICE = "/devices/{device_id}"

# fmt: off
PAGES = [
    Page("GET", "/sign-in", views.sign_in.show),
    Page("POST", "/sign-in", views.sign_in.sign_in),
    Page("GET", "/sign-in/link", views.sign_in.follow_link),
    Page("POST", "/sign-out", views.sign_in.sign_out),
    Page("GET", "/sign-up", views.sign_up.show),
    Page("POST", "/sign-up", views.sign_up.sign_up),
    Page("GET", "/sign-up/confirm", views.sign_up.show_confirmation),
    Page("POST", "/sign-up/confirm", views.sign_up.confirm),
    Page("GET", "/projects", views.projects.show, projects.list_projects),
    Page("POST", "/projects", views.projects.create, projects.create_project),
    Page("GET", _PROJECT, views.fleet.show, fleet_status.get_fleet_status),
    Page("POST", f"{_PROJECT}/first_device", views.first_device.register, devices.create_device),
    Page("GET", f"{_PROJECT}/adoption", views.adoption.show, adoption.get_adoption),
    Page("GET", f"{_PROJECT}/devices", views.devices.show, devices.list_devices),
    Page("GET", f"{_PROJECT}/devices.csv", views.devices.as_csv, devices.list_devices),
    Page("GET", f"{_PROJECT}/devices.json", views.devices.as_json, devices.list_devices),
    Page("GET", _DEVICE, views.device.show, history.list_firmware_versions),
    Page("POST", f"{_DEVICE}/rename", views.device.rename, devices.change_device),
    Page("POST", f"{_DEVICE}/retire", views.device.retire, devices.retire_device),
    Page("POST", f"{_DEVICE}/restore", views.device.restore, devices.restore_device),
]
# fmt: on
