"""The supervisor's coverage pages: who could come, hour by hour, and where nobody could."""

from fastapi import APIRouter

router = APIRouter()
