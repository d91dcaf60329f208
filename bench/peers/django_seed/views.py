"""POST reports a device's version, GET lists what it reported."""

import uuid

from django.http import Http404
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_seed.authentication import DeviceKeyAuthentication, ProjectKeyAuthentication
from django_seed.models import Device, FirmwareVersion

PAGE_SIZE = 100


class FirmwareVersionSerializer(serializers.ModelSerializer):
    class Meta:
        model = FirmwareVersion
        fields = ["version", "reported_at"]
        read_only_fields = ["reported_at"]


class FirmwareVersionView(APIView):
    def get_authenticators(self) -> list[object]:
        return [DeviceKeyAuthentication() if self.request.method == "POST" else ProjectKeyAuthentication()]

    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        if request.user is None or request.user.device_id != device_id:
            raise Http404
        report = FirmwareVersionSerializer(data=request.data)
        report.is_valid(raise_exception=True)
        report.save(device_id=device_id)
        return Response(report.data, status.HTTP_201_CREATED)

    def get(self, request: Request, device_id: uuid.UUID) -> Response:
        if request.user is None or not Device.objects.filter(id=device_id, project=request.user.project_id).exists():
            raise Http404
        newest = FirmwareVersion.objects.filter(device_id=device_id).order_by("-reported_at")[:PAGE_SIZE]
        return Response(FirmwareVersionSerializer(newest, many=True).data)
