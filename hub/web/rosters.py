"""The supervisor's duty lists: who is on when, overrides, import and export."""

from fastapi import APIRouter

router = APIRouter()
