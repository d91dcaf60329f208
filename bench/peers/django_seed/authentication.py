"""HTTP Basic with an API key's id and secret; the secret is checked against its bcrypt hash."""

from typing import ClassVar

import bcrypt
from django.conf import settings
from django.core.exceptions import ValidationError
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import AuthenticationFailed

from django_seed.credential_cache import CredentialCache
from django_seed.models import ApiKey, DeviceApiKey, ProjectApiKey


class KeyAuthentication(BasicAuthentication):
    model: ClassVar[type[ApiKey]]
    cache: ClassVar[CredentialCache]

    def authenticate_credentials(self, userid, password, request=None):  # noqa: ANN001, ANN201, ARG002  overrides
        if not settings.CACHED:
            return self._check(userid, password), None
        key = self.cache.get(userid, password)
        if key is None:
            key = self._check(userid, password)
            self.cache.put(userid, password, key)
        return key, None

    def _check(self, key_id: str, secret: str) -> ApiKey:
        try:
            key = self.model.objects.get(id=key_id)
        except (self.model.DoesNotExist, ValidationError):
            raise AuthenticationFailed from None
        if not bcrypt.checkpw(secret.encode(), bytes(key.secret_hash)):
            raise AuthenticationFailed
        return key


class DeviceKeyAuthentication(KeyAuthentication):
    model = DeviceApiKey
    cache = CredentialCache()


class ProjectKeyAuthentication(KeyAuthentication):
    model = ProjectApiKey
    cache = CredentialCache()
