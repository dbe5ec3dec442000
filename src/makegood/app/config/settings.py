"""Every setting of Makegood, read from the environment in one place.

A value that cannot be read stops the start and names the variable. Secrets may also come from a file: `NAME_FILE`.
`docs/reference/settings.md` lists them all; a test says so.
"""

import hashlib
import logging
import re
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import platformdirs
from csp.constants import NONE, SELF
from environs import EnvError, FileAwareEnv

from makegood.app.config.embedded import DATABASE, SUPERUSER, socket_directory

env = FileAwareEnv()
PACKAGE = Path(__file__).resolve().parents[2]

# -- where things are kept
MAKEGOOD_HOME = env.path("MAKEGOOD_HOME", Path(platformdirs.user_data_path("makegood")))
MAKEGOOD_LAKE = env.str("MAKEGOOD_LAKE", str(MAKEGOOD_HOME / "lake"))

# -- the deployment
DEBUG = env.bool("MAKEGOOD_DEBUG", False)
MAKEGOOD_NAME = env.str("MAKEGOOD_NAME", "Makegood")  # the retailer's name, on pages and in mail
MAKEGOOD_URL = env.str("MAKEGOOD_URL", "")  # where customers reach it, for links in mail
MAKEGOOD_WEBHOOKS_INSIDE = env.bool("MAKEGOOD_WEBHOOKS_INSIDE", False)  # may they go to private addresses, plain http?
MAKEGOOD_LINK_DAYS = env.int("MAKEGOOD_LINK_DAYS", 60)
ALLOWED_HOSTS = env.list("MAKEGOOD_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("MAKEGOOD_ORIGINS", [])
BEHIND_TLS = env.bool("MAKEGOOD_TLS", False)
TIME_ZONE = env.str("MAKEGOOD_TIME_ZONE", "UTC")
LANGUAGE_CODE = env.str("MAKEGOOD_LANGUAGE", "en")
LANGUAGES = [("en", "English"), ("pt", "Português")]  # those with a catalogue


def _secret_key() -> str:
    """The configured key, or one made once per home directory (a single machine needs no set-up)."""
    given = env.str("MAKEGOOD_SECRET_KEY", "")
    if given:
        return given
    kept = MAKEGOOD_HOME / "secret-key"
    if kept.exists():
        return kept.read_text().strip()
    # No home yet (documentation, type checks): constant per home, replaced by a random one when the home is made.
    return "not-yet-set-up-" + hashlib.sha256(str(MAKEGOOD_HOME).encode()).hexdigest()


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "makegood.ground.web",
    "makegood.ground.staff",
    "makegood.ground.retail",
    "makegood.ground.messages",
    "makegood.ground.api",
    "makegood.recover.cases",
    "makegood.recover.commitments",
    "makegood.recover.intake",
    "makegood.recover.triage",
    "makegood.prevent.signals",
    "makegood.prevent.incidents",
    "makegood.prevent.outreach",
    "makegood.prevent.improvements",
    "makegood.lead.scorecards",
    "makegood.app.desk",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "pghistory",
    "pgtrigger",
    "procrastinate.contrib.django",
    "rules.apps.AutodiscoverRulesConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "makegood.ground.api.auth.Keys",
    "makegood.ground.api.once.Once",
    "makegood.ground.staff.middleware.DenyByDefault",
    "makegood.ground.web.middleware.Refusals",
    "makegood.ground.web.middleware.LocalTime",
]

ROOT_URLCONF = "makegood.app.config.urls"
WSGI_APPLICATION = "makegood.app.config.wsgi.application"

# -- pages: Jinja2 for ours, Django templates for allauth and the administration
ROOMS_WITH_TEMPLATES = ["ground/web", "ground/api", "ground/staff", "ground/retail", "ground/messages", "recover/cases",
                        "recover/commitments", "recover/intake", "recover/triage", "prevent/signals",
                        "prevent/incidents", "prevent/outreach", "prevent/improvements", "lead/scorecards",
                        "app/desk"]  # fmt: skip
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "DIRS": [PACKAGE / room / "templates" for room in ROOMS_WITH_TEMPLATES],
        "OPTIONS": {
            "environment": "makegood.ground.web.jinja.environment",
            "context_processors": ["makegood.ground.web.jinja.csrf_once"],
        },
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "ground/web/django_templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- database: one given by URL, or the embedded one
DATABASE_URL = env.str("DATABASE_URL", "")
EMBEDDED = not DATABASE_URL
if EMBEDDED:
    _connection = {"HOST": str(socket_directory(MAKEGOOD_HOME)), "NAME": DATABASE, "USER": SUPERUSER}
else:
    _connection = env.dj_db_url("DATABASE_URL")
DATABASES = {
    "default": {
        **_connection,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,  # the pool keeps them
        "OPTIONS": {
            "server_side_binding": True,
            "prepare_threshold": 3,
            "pool": {"min_size": 1, "max_size": env.int("MAKEGOOD_DB_POOL", 16), "timeout": 10},
        },
        "TEST": {"NAME": env.str("MAKEGOOD_TEST_DATABASE", "test_makegood")},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- who is signed in
AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "makegood.ground.messages.notices.StaffBackend",  # allauth's, with the number on the bell
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# A signed cookie costs 0.3 ms a request, a database session 0.6; a changed password still ends every session.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = env.int("MAKEGOOD_SESSION_HOURS", 12) * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "makegood.ground.staff.adapter.StaffAdapter"  # nobody signs up by themselves
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/account/login/"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = MAKEGOOD_NAME

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# -- files
STATIC_URL = "/static/"
STATIC_ROOT = None  # served from the packages they come in
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 30 * 86400  # the address of a file changes with its content
MAKEGOOD_FILES = env.path("MAKEGOOD_FILES", MAKEGOOD_HOME / "files")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MAKEGOOD_FILES},
    },
    # What came with mails and leaves with them, and the mails themselves; each content once, by its hash.
    "attachments": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MAKEGOOD_FILES / "attachments"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# -- mail: an SMTP relay by URL (smtp://user:password@host:587/?tls=True), or the console
MAKEGOOD_MAIL_URL = env.str("MAKEGOOD_MAIL_URL", "")
_mail = env.dj_email_url("MAKEGOOD_MAIL_URL") if MAKEGOOD_MAIL_URL else {}
EMAIL_BACKEND = (
    "makegood.ground.messages.smtp.SmtpBackend" if _mail else "django.core.mail.backends.console.EmailBackend"
)
EMAIL_HOST = _mail.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("MAKEGOOD_MAIL_FROM", "care@localhost")

MAKEGOOD_MAILBOX = env.str("MAKEGOOD_MAILBOX", "")  # imaps://user:password@host/INBOX of the first brand
# Mailboxes that take no password: who hands out access tokens, for which client, against which refresh token.
_TOKENS_FROM = {
    "google": "https://oauth2.googleapis.com/token",
    "microsoft": "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
}
_AS_ITSELF = "https://outlook.office365.com/.default"  # what a client of Microsoft's may do without a person


def _oauth(name: str) -> dict[str, str]:
    """What is set about signing in to a mailbox with OAuth 2; empty: nothing."""
    given = env.str(name, "")
    provider, _, tenant = given.partition("/")
    url = _TOKENS_FROM.get(provider, given).format(tenant or "organizations")
    if not url:
        return {}
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise EnvError(f"{name} must be google, microsoft, microsoft/TENANT or an https address.")
    refresh = env.str(f"{name}_REFRESH_TOKEN", "")
    return {
        "name": name, "token_url": url, "client": env.str(f"{name}_CLIENT"), "secret": env.str(f"{name}_SECRET", ""),
        "refresh_token": refresh,
        "scope": env.str(f"{name}_SCOPE", _AS_ITSELF if provider == "microsoft" and not refresh else ""),
    }  # fmt: skip


MAKEGOOD_MAIL_OAUTH = _oauth("MAKEGOOD_MAIL_OAUTH")
MAKEGOOD_MAIL_PLUS = env.bool("MAKEGOOD_MAIL_PLUS", True)  # care+anything@ arrives at care@
MAKEGOOD_MAIL_LARGEST = env.int("MAKEGOOD_MAIL_LARGEST", 30) * 1024**2  # given in MB
MAKEGOOD_SCAN = env.str("MAKEGOOD_SCAN", "")  # command that looks at a file: 0 clean, 1 infected
_brands: list[str] = env.list("MAKEGOOD_BRANDS", [])
# Further brands: each has an address, and perhaps a mailbox and outside systems of its own.
MAKEGOOD_BRANDS: dict[str, dict[str, Any]] = {
    name: {
        "sender": env.str(f"MAKEGOOD_BRAND_{name.upper()}_FROM"),
        "mailbox": env.str(f"MAKEGOOD_BRAND_{name.upper()}_MAILBOX", ""),
        "sources": env.list(f"MAKEGOOD_BRAND_{name.upper()}_SOURCES", []),
        "oauth": _oauth(f"MAKEGOOD_BRAND_{name.upper()}_OAUTH"),
    }
    for name in _brands
}
# Providers that hand mail in over HTTP: what they must send as user:password, and Mailgun's signature beside it.
MAKEGOOD_MAIL_SECRET = env.str("MAKEGOOD_MAIL_SECRET", "")
ANYMAIL = {
    "WEBHOOK_SECRET": MAKEGOOD_MAIL_SECRET,
    "MAILGUN_WEBHOOK_SIGNING_KEY": env.str("MAKEGOOD_MAILGUN_KEY", ""),
}

# -- how the work is done
MAKEGOOD_LOOKBACK_DAYS = env.int("MAKEGOOD_LOOKBACK_DAYS", 30)  # older failures open no case by themselves
MAKEGOOD_REOPEN_WITHIN_DAYS = env.int("MAKEGOOD_REOPEN_WITHIN_DAYS", 14)  # later answers open a case that follows
# Lifetime value from which a customer is valued; none: what one in ten has spent, measured at night.
MAKEGOOD_VALUED_FROM: float | None = env.float("MAKEGOOD_VALUED_FROM", None)
# What a case costs us, handling and remedy together ("12.50 GBP"): prices the cases that improvements avoided.
MAKEGOOD_COST_PER_CASE: tuple[Decimal, str] | None = None
if _cost := env.str("MAKEGOOD_COST_PER_CASE", ""):
    _price = re.fullmatch(r"(\d{1,9}(?:\.\d{1,2})?) ([A-Z]{3})", _cost)
    if _price is None:
        raise EnvError(f"MAKEGOOD_COST_PER_CASE is {_cost!r}: write it as 12.50 GBP.")
    MAKEGOOD_COST_PER_CASE = Decimal(_price[1]), _price[2]
# Minutes before a promise is due that its owner is reminded, by kind ("call=30,refund=1440"); else by its distance.
MAKEGOOD_REMIND_BEFORE: dict[str, int] = env.dict("MAKEGOOD_REMIND_BEFORE", {}, subcast_values=int)
MAKEGOOD_ESCALATE_AFTER = env.int("MAKEGOOD_ESCALATE_AFTER", 60)  # minutes after it was due

# -- detection of patterns
MAKEGOOD_DETECTION = env.path("MAKEGOOD_DETECTION", MAKEGOOD_HOME / "detection")  # where the detector keeps its state
MAKEGOOD_ONE_FALSE_ALARM_IN = env.float("MAKEGOOD_ONE_FALSE_ALARM_IN", 90.0)  # days, where nothing is wrong
MAKEGOOD_DETECT_BY = env.list(
    "MAKEGOOD_DETECT_BY",
    ["reason", "carrier", "warehouse", "from_state", "to_state", "category", "product", "batch", "manufacturer",
     "seller", "store", "district", "channel", "how"],
)  # fmt: skip


def _hours(name: str, default: str) -> tuple[time, time] | None:
    """Hours of a day such as 20:00-08:00; none: empty."""
    given = env.str(name, default)
    if not given:
        return None
    try:
        begins, ends = (time.fromisoformat(part.strip()) for part in given.split("-"))
    except ValueError as why:
        raise EnvError(f"{name} must look like 20:00-08:00, or be empty.") from why
    return begins, ends


MAKEGOOD_QUIET_HOURS = _hours("MAKEGOOD_QUIET_HOURS", "20:00-08:00")  # no outreach then, where the customer lives

USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [PACKAGE / "ground/web/locale"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "makegood.app.config.logs.formatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.log_level("MAKEGOOD_LOG_LEVEL", logging.WARNING)},
}

env.seal()
