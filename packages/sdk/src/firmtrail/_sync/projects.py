"""Projects, the owners that every other thing belongs to."""

from __future__ import annotations

import uuid

from firmtrail._calls import CURRENT_PROJECT, Call, decode
from firmtrail._checks import body, filters, path
from firmtrail._sync.paging import Pager
from firmtrail._sync.resource import Resource
from firmtrail_contract import CurrentProject, JoinedProject, NewProject, Project, ProjectChange, ProjectDeletion

_PROJECTS = "/v1/projects"
_PROJECT = "/v1/projects/{project_id}"


class Projects(Resource):
    """To create and to list them takes a user, the rest a role in the project.

    Where a project is asked for, None is that of the client, else that of its API key; a user has none and is refused.
    """

    def create(self, name: str) -> Project:
        """Create a project; you become its admin.

        Args:
            name: 1 to 100 characters.

        Raises:
            ConflictError: you have a project of this name.
            PermissionDeniedError: it takes a login, and no API key.
            InvalidRequestError: a value is not allowed.
        """
        call = Call(method="POST", path=_PROJECTS, body=body(NewProject, name=name), repeatable=False)
        return decode(self._transport.send(call), Project)

    def list(
        self, *, limit: int | None = None, page_size: int | None = None, page_token: str | None = None
    ) -> Pager[JoinedProject]:
        """List the projects that you are in, each with your role.

        Args:
            limit: the most projects to give in all.
            page_size: the most projects to fetch at once, 1 to 1,000.
            page_token: where an earlier list stopped: its `next_page_token`.

        Raises:
            InvalidRequestError: a value is not allowed.
            PermissionDeniedError: it takes a login, and no API key.
        """
        return Pager(self._transport, _PROJECTS, JoinedProject, limit=limit, page_size=page_size, page_token=page_token)

    def current(self) -> CurrentProject:
        """Read the project of this client's API key, and what the key is. `PermissionDeniedError` for a user."""
        call = Call(method="GET", path=CURRENT_PROJECT, repeatable=True, is_of_key=True)
        return decode(self._transport.send(call), CurrentProject)

    def get(self, project_id: uuid.UUID | str | None = None) -> Project:
        """Read a project.

        Args:
            project_id: the project; None: that of the API key.

        Raises:
            NotFoundError: there is no such project, or you may not see it.
        """
        call = Call(method="GET", path=path(_PROJECT, project_id=project_id), repeatable=True)
        return decode(self._transport.send(call), Project)

    def update(self, project_id: uuid.UUID | str | None = None, *, name: str) -> Project:
        """Rename a project.

        Args:
            project_id: the project; None: that of the API key.
            name: the new name, 1 to 100 characters.

        Raises:
            NotFoundError: there is no such project, or you may not see it.
            PermissionDeniedError: it takes an admin of the project.
            InvalidRequestError: a value is not allowed.
        """
        said = body(ProjectChange, name=name)
        call = Call(method="PATCH", path=path(_PROJECT, project_id=project_id), body=said, repeatable=True)
        return decode(self._transport.send(call), Project)

    def delete(self, project_id: uuid.UUID | str | None = None, *, name: str) -> None:
        """Delete a project with its devices and their history.

        Args:
            project_id: the project; None: that of the API key.
            name: its exact name, as a proof that you mean it.

        Raises:
            ConflictError: it has another name.
        """
        query = filters(ProjectDeletion, name=name)
        call = Call(method="DELETE", path=path(_PROJECT, project_id=project_id), query=query, repeatable=True)
        self._transport.send(call)

    def leave(self, project_id: uuid.UUID | str) -> None:
        """Leave a project.

        Args:
            project_id: the project.

        Raises:
            ConflictError: you are its last admin.
            NotFoundError: there is no such project, or you may not see it.
            PermissionDeniedError: it takes a login, and no API key.
        """
        call = Call(method="POST", path=path(_PROJECT + "/leave", project_id=project_id), repeatable=False)
        self._transport.send(call)
