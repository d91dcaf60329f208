"""Webhooks: changes of feeds, signed, and sent to receivers outside in order, until each has accepted them."""

from firmtrail_server.webhooks.addresses import AddressRule
from firmtrail_server.webhooks.deliverer import WebhookDeliverer
from firmtrail_server.webhooks.deliveries import Deliveries
from firmtrail_server.webhooks.notices import Notices
from firmtrail_server.webhooks.receivers import Receivers
from firmtrail_server.webhooks.sender import WebhookSender

__all__ = ["AddressRule", "Deliveries", "Notices", "Receivers", "WebhookDeliverer", "WebhookSender"]
