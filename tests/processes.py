"""The bot in a process of its own, for tests that kill it and benches that measure it."""

import os

from config.settings import Settings


def bot_environment(settings: Settings, port: int = 0, **more: str) -> dict[str, str]:
    """The variables with which `dynamo run` finds what these settings name; `more` adds the way in
    (SLACK_APP_TOKEN or SLACK_SIGNING_SECRET) and what a test needs beside it."""
    return {
        "PATH": os.environ["PATH"],
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_API_URL": settings.slack_api_url,
        "DYNAMO_CONFIG": str(settings.dynamo_config),
        "DYNAMO_DATABASE": settings.dynamo_database.get_secret_value(),
        "DYNAMO_PORT": str(port),
        "DYNAMO_REGISTRY_URL": str(settings.dynamo_registry_url),
        "GITHUB_API_URL": settings.github_api_url,
        "KUBECONFIG": str(settings.kubeconfig),
        **more,
    }
