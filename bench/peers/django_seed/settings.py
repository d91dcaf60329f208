"""Django's settings: nothing that this job does not need."""

import os

#: whether connections are kept and checked credentials remembered
CACHED = os.environ.get("PEER_CACHE") == "1"

SECRET_KEY = "nothing is signed with it"  # noqa: S105  Django wants one all the same
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["rest_framework", "django_seed"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "django_seed.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],  # host, port and user stand where libpq looks for them
        "CONN_MAX_AGE": None if CACHED else 0,
    }
}
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
