"""Make the tables and a fleet in them: `python -m django_seed.seed DEVICES FILE`; FILE tells their paths and keys."""

import os
import secrets
import sys
import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_seed.settings")
django.setup()

from django_seed.models import Device, DeviceApiKey, Project  # noqa: E402  Django has to be set up before

COST = 12


def main(count: int, file: Path) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    project = Project.objects.create(name="bench")
    devices = Device.objects.bulk_create(Device(project=project, name=f"bench {n}") for n in range(count))
    texts = [secrets.token_urlsafe(32) for _ in devices]
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(lambda text: bcrypt.hashpw(text.encode(), bcrypt.gensalt(COST)), texts))
    keys = DeviceApiKey.objects.bulk_create(
        DeviceApiKey(device=device, secret_hash=secret_hash)
        for device, secret_hash in zip(devices, hashes, strict=True)
    )
    file.touch(mode=0o600)
    file.write_text(
        "".join(_line(device.id, key.id, text) for device, key, text in zip(devices, keys, texts, strict=True))
    )


def _line(device_id: uuid.UUID, key_id: uuid.UUID, secret: str) -> str:
    basic = b64encode(f"{key_id}:{secret}".encode()).decode()
    return f"/v1/devices/{device_id}/firmware_version\tAuthorization: Basic {basic}\n"


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
