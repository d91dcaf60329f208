"""The pages, at a glance: where each is, what makes it, and the handler of the API whose access it has."""

from firmtrail_server.handlers import (
    adoption,
    api_keys,
    audit_events,
    desired_versions,
    device_api_keys,
    devices,
    enrollment_keys,
    firmware_changes,
    fleet_status,
    history,
    invitations,
    members,
    projects,
    sessions,
    users,
)
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
    Page("GET", "/forgotten-password", views.new_password.show_forgotten),
    Page("POST", "/forgotten-password", views.new_password.request),
    Page("GET", "/new-password", views.new_password.show),
    Page("POST", "/new-password", views.new_password.reset),
    Page("GET", "/invitation", views.joining.show),
    Page("POST", "/invitation", views.joining.accept, invitations.accept_invitation),
    Page("GET", "/me", views.me.show, users.get_me),
    Page("POST", "/me/name", views.me.rename, users.change_me),
    Page("POST", "/me/password", views.me.change_password, users.change_my_password),
    Page("POST", "/me/sessions/{session_id}/end", views.me.end_session, sessions.end_my_session),
    Page("GET", "/projects", views.projects.show, projects.list_projects),
    Page("POST", "/projects", views.projects.create, projects.create_project),
    Page("GET", _PROJECT, views.fleet.show, fleet_status.get_fleet_status),
    Page("POST", f"{_PROJECT}/first_device", views.first_device.register, devices.create_device),
    Page("GET", f"{_PROJECT}/adoption", views.adoption.show, adoption.get_adoption),
    Page("GET", f"{_PROJECT}/devices", views.devices.show, devices.list_devices),
    Page("GET", f"{_PROJECT}/devices.csv", views.device_files.as_csv, devices.list_devices, in_transaction=False),
    Page("GET", f"{_PROJECT}/devices.json", views.device_files.as_json, devices.list_devices, in_transaction=False),
    Page("GET", f"{_PROJECT}/settings", views.settings.show, projects.get_project),
    Page("POST", f"{_PROJECT}/settings/rename", views.settings.rename, projects.rename_project),
    Page("POST", f"{_PROJECT}/settings/delete", views.settings.delete, projects.delete_project, then=devices.sweep),
    Page("POST", f"{_PROJECT}/settings/leave", views.settings.leave, members.leave_project),
    Page("GET", f"{_PROJECT}/members", views.members.show, members.list_members),
    Page("POST", f"{_PROJECT}/members/{{user_id}}/role", views.members.change_role, members.change_member),
    Page("POST", f"{_PROJECT}/members/{{user_id}}/remove", views.members.remove, members.remove_member),
    Page("POST", f"{_PROJECT}/invitations", views.members.invite, invitations.create_invitation,
         then=views.members.send),
    Page("POST", f"{_PROJECT}/invitations/{{invitation_id}}/revoke", views.members.revoke,
         invitations.revoke_invitation),
    Page("GET", f"{_PROJECT}/keys", views.keys.show, api_keys.list_api_keys),
    Page("POST", f"{_PROJECT}/keys", views.keys.create, api_keys.create_api_key),
    Page("POST", f"{_PROJECT}/keys/{{api_key_id}}/rotate", views.keys.rotate, api_keys.rotate_api_key),
    Page("POST", f"{_PROJECT}/keys/{{api_key_id}}/delete", views.keys.delete, api_keys.delete_api_key),
    Page("POST", f"{_PROJECT}/enrollment_keys", views.keys.create_for_enrollment,
         enrollment_keys.create_enrollment_key),
    Page("POST", f"{_PROJECT}/enrollment_keys/{{enrollment_key_id}}/delete", views.keys.delete_for_enrollment,
         enrollment_keys.delete_enrollment_key),
    Page("GET", f"{_PROJECT}/desired_versions", views.desired_versions.show, desired_versions.list_desired_versions),
    Page("POST", f"{_PROJECT}/desired_versions", views.desired_versions.create,
         desired_versions.create_desired_version),
    Page("POST", f"{_PROJECT}/desired_versions/{{desired_version_id}}/end", views.desired_versions.end,
         desired_versions.end_desired_version),
    Page("GET", f"{_PROJECT}/audit", views.audit.show, audit_events.list_audit_events),
    Page("GET", _DEVICE, views.device.show, history.list_firmware_versions),
    Page("POST", f"{_DEVICE}/rename", views.device.rename, devices.change_device),
    Page("POST", f"{_DEVICE}/labels", views.device.relabel, devices.change_device),
    Page("POST", f"{_DEVICE}/keys/{{api_key_id}}/rotate", views.device_keys.rotate,
         device_api_keys.rotate_device_api_key),
    Page("POST", f"{_DEVICE}/keys/{{api_key_id}}/delete", views.device_keys.delete,
         device_api_keys.delete_device_api_key),
    Page("POST", f"{_DEVICE}/keys", views.device_keys.create, device_api_keys.create_device_api_key),
    Page("POST", f"{_DEVICE}/retire", views.device.retire, devices.retire_device),
    Page("POST", f"{_DEVICE}/restore", views.device.restore, devices.restore_device),
    Page("POST", f"{_DEVICE}/delete", views.device.delete, devices.delete_device, then=devices.sweep),
]
# fmt: on

#: not to be looked at: it tells pages that they are to be asked for again
CHANGES = Page(
    "GET", f"{_PROJECT}/changes", firmware_changes.list_firmware_changes, firmware_changes.list_firmware_changes
)
