"""What became of an alert: from one attempt up to the report over all channels."""

from tocsin.report.attempt import Attempt, DeliveryState
from tocsin.report.report import DeliveryReport
from tocsin.report.result import NotificationResult, RecipientResult

__all__ = ["Attempt", "DeliveryReport", "DeliveryState", "NotificationResult", "RecipientResult"]
