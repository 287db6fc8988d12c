"""Install what the tests need beside Python, where we may; say plainly what is missing where we may not."""

import os
import shutil
import subprocess
import sys

NEEDED = {
    # tool -> Debian packages. fonts: a console in Chinese photographed without them shows boxes.
    "mosquitto": ("mosquitto",),
    "mosquitto_sub": ("mosquitto-clients",),
    "chromium": ("chromium", "fonts-noto-cjk"),
    "npm": ("npm", "nodejs"),
    "prometheus-alertmanager": ("prometheus-alertmanager",),  # what escalation is measured against
}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def missing() -> dict[str, tuple[str, ...]]:
    return {tool: packages for tool, packages in NEEDED.items() if shutil.which(tool, path=PATH) is None}


def main() -> int:
    lacking = missing()
    if lacking and os.getuid() == 0 and shutil.which("apt-get"):
        packages = sorted({p for group in lacking.values() for p in group})
        print(f"installing {' '.join(packages)}", flush=True)
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"env": environ, "stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        subprocess.run(  # type: ignore[call-overload]
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, **quiet
        )
        # Packages of these names exist everywhere, but installing must not leave servers running on their ports.
        for server in ("mosquitto", "prometheus-alertmanager"):
            if server in lacking and shutil.which("systemctl"):
                subprocess.run(["systemctl", "disable", "--now", server], check=False, capture_output=True)
    for tool, wanted in missing().items():
        print(f"{tool} is missing, its tests will be skipped: apt-get install {' '.join(wanted)}", flush=True)
    return 1 if missing() and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
