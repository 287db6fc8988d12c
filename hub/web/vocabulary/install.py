"""Words of the installer's page."""

WORDS: dict[str, tuple[str, str]] = {
    "role.installer": ("安装人", "Installer"),
}
