"""What `carehub devices` prints of a key: once, with where it is used."""

from hub.config import Settings
from hub.store.devices import Credential


def show_credential(settings: Settings, credential: Credential) -> None:
    """Print what a device or gateway signs in with."""
    listener = settings.listener
    print(f"  broker    mqtt://{listener.host}:{listener.port}")
    print(f"  user      {credential.username}")
    print(f"  password  {credential.secret}   (shown once)")
    print(f"  topics    {credential.topic_prefix}…")
