"""The two routes, one address."""

from django.urls import path

from django_seed.views import FirmwareVersionView

urlpatterns = [path("v1/devices/<uuid:device_id>/firmware_version", FirmwareVersionView.as_view())]
