"""A service's settings: environment variables beginning with ``KARUNA_``, or files of secrets."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict


class Settings(BaseSettings):
    """What every service needs. Secrets may lie as files in ``KARUNA_SECRETS_DIR`` (one file a setting)."""

    model_config = SettingsConfigDict(env_prefix="KARUNA_", extra="ignore", frozen=True)

    database_url: SecretStr
    nats_url: str = "nats://127.0.0.1:4222"
    nats_credentials: Path | None = None
    nats_monitor_url: str = "http://127.0.0.1:8222"
    issuer_file: Path = Path("var/keys/issuer.json")
    areas_dir: Path = Path("deploy/areas")
    http_host: str = "127.0.0.1"
    http_port: int = 0
    http_socket_fd: int | None = None
    pool_size: int = Field(default=10, ge=2, le=100)
    log_level: str = "info"
    request_timeout_s: float = Field(default=15.0, gt=0)
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    field_key: SecretStr | None = None
    """Base64 of 32 random bytes: encrypts identifying columns (registry)."""
    audit_key: SecretStr | None = None
    """The same: signs where the audit's chains stand, in a service that has no field key. Left out, nobody signs."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the folder of secrets: ``<folder>/database_url`` and so on."""
        del dotenv_settings, file_secret_settings  # no .env file is read, and the folder is not known before now
        folder = os.environ.get("KARUNA_SECRETS_DIR")
        if not folder:
            return init_settings, env_settings
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder, env_prefix="")
