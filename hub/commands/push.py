"""carehub push keys: make the key pair of the responders' app (Web Push). Once: a new pair ends every subscription."""

import argparse

from hub.channels import vapid


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="carehub push", description=__doc__)
    parser.add_subparsers(required=True, metavar="keys").add_parser(
        "keys", help="print a new private key, and its public half"
    )
    parser.parse_args(argv)
    private = vapid.make_key()
    print(f"CAREHUB_SECRETS_VAPID_KEY={private}")
    print(f"# its public half, which browsers are told: {vapid.public_key(private)}")
    return 0
