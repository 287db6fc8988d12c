"""The administrator's policy pages: check, explain, dry run, publish, history."""

from fastapi import APIRouter

router = APIRouter()
