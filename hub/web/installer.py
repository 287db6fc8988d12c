"""The installer's phone page: a device from the box on the wall to 已生效, step by step; all of it lies in the database."""

from fastapi import APIRouter

router = APIRouter()
