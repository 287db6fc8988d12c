"""The responder's own phone: the app he keeps on it, push subscription, check-in, his calls."""

from fastapi import APIRouter

router = APIRouter()
