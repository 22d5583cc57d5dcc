"""Who may speak to the server: by which name it is called, from which page, with which token."""

from __future__ import annotations

import hmac
import ipaddress
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from time import monotonic

from mindseye.errors import BadInput
from mindseye.serve.http.errors import Refusal

LEAST_TOKEN = 16  # characters
MINUTE = 60.0
REMEMBERED = 10_000  # addresses with wrong tokens
SIGN_IN = "/sign-in"  # where a browser, which sends no token by itself, is given a cookie for one
COOKIE = "mindseye"
OPEN_PATHS = ("/livez", "/readyz", SIGN_IN)  # of probes, who have no token, and of people who bring theirs


@dataclass(frozen=True)
class Access:
    """The rules.

    Attributes:
        host: the address that is bound.
        port: the same.
        token: of those who may do everything; "" where none is asked for.
        guest_token: of those who may draw, search and look, but not start or stop a training; "" for none.
        names: further names, or name:port, by which the server may be called, e.g. behind a proxy.
        wrong_tokens: a minute from one address (of IPv6: one network of 64 bits), before it has to wait.
    """

    host: str
    port: int
    token: str = ""
    guest_token: str = ""
    names: tuple[str, ...] = ()
    wrong_tokens: int = 20
    _wrong: dict[str, deque[float]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for what, token in (("token", self.token), ("guest token", self.guest_token)):
            if token and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
                raise BadInput(
                    f"the {what} is not good enough",
                    why=f"it must be {LEAST_TOKEN} or more printable ASCII characters without spaces",
                    next_step="make one: python3 -c 'import secrets; print(secrets.token_urlsafe())'",
                )
        if self.guest_token and not self.token:
            raise BadInput("a guest token needs a token beside it", next_step="give both")
        if not self.loopback and not self.token:
            raise BadInput(
                f"it does not listen on {self.host} without a token",
                why="others in the network could use it, and any web page in their browsers",
                next_step="set MINDSEYE_TOKEN (or give --token), or leave --host out",
            )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host == "localhost" or (_is_address(self.host) and ipaddress.ip_address(self.host).is_loopback)

    def check_name(self, host: str | None) -> None:
        """Whether the server may be called so: a name that an attacker's DNS points here is not one of ours.

        Raises:
            Refusal: it may not.
        """
        if host is None or not self._is_ours(host.lower()):
            raise Refusal(421, "the server is not called so; a name is allowed with --allow-host", code="wrong_host")

    def _is_ours(self, host: str) -> bool:
        name, port = _name_and_port(host)
        if host in self.names or name in self.names:
            return True
        if port != str(self.port):
            return False
        if name in (self.host, "localhost") or (name == "127.0.0.1" and self.host == "localhost"):
            return True
        return not self.loopback and _is_address(name)  # an address is no name, so no DNS can lie about it

    def check_page(self, origin: str | None, fetch_site: str | None, host: str) -> None:
        """Whether a browser sends this for one of our own pages, or for none.

        Raises:
            Refusal: it is another site's page.
        """
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            raise Refusal(403, "pages of other sites may not use this server", code="wrong_origin")
        if fetch_site not in (None, "same-origin", "none"):
            raise Refusal(403, "pages of other sites may not use this server", code="wrong_origin")

    def is_guest(self, authorization: str | None) -> bool:
        """Whether these credentials, which were let in, are a guest's."""
        return bool(self.token) and not _same(_bearer(authorization), self.token)

    def check_token(self, authorization: str | None, address: str, *, changes: bool) -> None:
        """Whether the one who asks may.

        Whoever has to wait is refused with the right token, too: an answer that told it from a wrong one would let the
        guessing go on.

        Args:
            authorization: the header, or what `credentials` made of a cookie.
            address: whose it is.
            changes: whether what is asked for is more than a guest may.

        Raises:
            Refusal: the token is missing or wrong, or was so too often.
        """
        if not self.token:
            return
        whose, now = _network(address), monotonic()
        wrong = self._wrong.get(whose)
        if wrong and len(wrong) == self.wrong_tokens and now - wrong[0] < MINUTE:
            raise Refusal(429, "too many wrong tokens", code="too_many_tokens", retry_seconds=MINUTE - (now - wrong[0]))
        given = _bearer(authorization)
        if _same(given, self.token):
            return
        if self.guest_token and _same(given, self.guest_token):
            if changes:
                raise Refusal(403, "a guest may not do this", code="guest")
            return
        if given:
            times = self._wrong.pop(whose, None) or deque(maxlen=self.wrong_tokens)
            times.append(now)
            self._wrong[whose] = times  # now the last
            if len(self._wrong) > REMEMBERED:  # who was wrong longest ago is forgotten
                self._wrong.pop(next(iter(self._wrong)))
        raise Refusal(401, "the token is missing or wrong: send Authorization: Bearer TOKEN", code="invalid_api_key")


def credentials(headers: Mapping[str, str]) -> str | None:
    """The Authorization header of a request, or what stands for it in a browser: the cookie of who signed in."""
    if authorization := headers.get("authorization"):
        return authorization
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return f"Bearer {cookie.value}" if cookie else None


def _bearer(authorization: str | None) -> str:
    scheme, _, given = (authorization or "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _name_and_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":") or "80"
    name, _, port = host.partition(":")
    return name, port or "80"


def _network(address: str) -> str:
    """Whose an address is: itself, or of IPv6 its first 64 bits, since whoever has one of these has all of them."""
    if not _is_address(address) or (parsed := ipaddress.ip_address(address)).version == 4:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed) >> 64 << 64))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
