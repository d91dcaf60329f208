"""The five tables."""

import uuid

from django.db import models


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "projects"


class Device(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    project = models.ForeignKey(Project, models.CASCADE)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "devices"


class ApiKey(models.Model):
    """What both kinds of keys have; the REST framework takes one for the user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    secret_hash = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    is_authenticated = True

    class Meta:
        abstract = True


class ProjectApiKey(ApiKey):
    project = models.ForeignKey(Project, models.CASCADE)

    class Meta:
        db_table = "project_api_keys"


class DeviceApiKey(ApiKey):
    device = models.ForeignKey(Device, models.CASCADE)

    class Meta:
        db_table = "device_api_keys"


class FirmwareVersion(models.Model):
    """A report; each is a row."""

    device = models.ForeignKey(Device, models.CASCADE, db_index=False)
    version = models.CharField(max_length=128)
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "firmware_versions"
        indexes = [models.Index(fields=["device", "-reported_at"], name="firmware_versions_device_idx")]
