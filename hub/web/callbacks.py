"""What providers call back: receipts of messages, the key pressed during a voice call."""

from fastapi import APIRouter

router = APIRouter()
