"""Notices by SMTP, with TLS. Without TLS only to this machine: a password never travels bare."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from beffroi.model.limits import NOTICE_TIMEOUT_S
from beffroi.ports.notify import Notice, NotifyError

LOCAL = ("localhost", "127.0.0.1", "::1")
SMTPS_PORT = 465


@dataclass(frozen=True, slots=True)
class Account:
    """The commune's account at its mail provider."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None  # None: the machine's own certificate authorities


class Mail:
    """A `ports.notify.Notifier`. One connection per notice: they are rare."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def send(self, notice: Notice) -> None:
        try:
            message = _message(self._account.sender, notice)
            with self._connect() as server:
                if self._account.user:
                    server.login(self._account.user, self._account.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # The server's words may repeat the address: only the kind of error is passed on.
            raise NotifyError(f"mail not sent: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        account = self._account
        context = account.context or ssl.create_default_context()
        if account.port == SMTPS_PORT:
            return smtplib.SMTP_SSL(
                account.host, account.port, timeout=NOTICE_TIMEOUT_S, context=context
            )
        server = smtplib.SMTP(account.host, account.port, timeout=NOTICE_TIMEOUT_S)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
            elif account.host not in LOCAL:
                raise smtplib.SMTPNotSupportedError("the server offers no TLS")
        except BaseException:
            server.close()
            raise
        return server


def _message(sender: str, notice: Notice) -> EmailMessage:
    """A line break in a header raises ValueError: nobody adds headers through a name."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = notice.address
    message["Subject"] = notice.subject
    message["Date"] = formatdate(notice.at_ms / 1000)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies to the hub
    message.set_content(notice.body)
    return message
