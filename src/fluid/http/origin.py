"""Who may not ask: the page of another site, in a browser that stands beside this process.

What listens on loopback is safe from other machines, and not from the pages that a browser on this
one has open. Nothing here changes anything, so the danger is that a page reads what it should not:
names, errors, how much there is to do.

- A browser says so when a page asks: with ``Origin`` where the page could read the answer, with
  ``Sec-Fetch-Site`` in any case. Either is refused. Nobody else sends them: no kubelet, no
  Prometheus, no curl. A page of the same site may ask, and any page may link to this: what a link
  shows is for the reader alone.
- By DNS rebinding, a page of ``evil.example`` has that name lead to 127.0.0.1, and the browser then
  takes us for the page's own site: it sends neither. It does send the name, in ``Host``. So where
  only this machine may ask, a ``Host`` that is a name has to be one of ours.

``Host`` is no part of the first rule, because behind a proxy, in a cluster, or mounted in an
application of the user's it may be any name, and which of them are right only the user knows. An
address is right everywhere: a kubelet asks by the pod's, and nobody can rebind an address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address

from .listening import is_address

LOCAL_NAMES: frozenset[str] = frozenset({"localhost"})
"""By which names, besides its addresses, a machine is asked from itself."""

_OWN_PAGES: frozenset[bytes] = frozenset({b"same-origin", b"none"})
"""What ``Sec-Fetch-Site`` says of the same site's pages, and of an address that somebody typed."""


def names_at(host: str) -> frozenset[str] | None:
    """Returns the names by which a server that listens at ``host`` may be asked.

    Where only this machine can connect they are its own. None is any name.
    """
    is_local = host in LOCAL_NAMES or (is_address(host) and ip_address(host).is_loopback)
    return LOCAL_NAMES if is_local else None


def refusal(headers: Iterable[tuple[bytes, bytes]], hosts: Collection[str] | None) -> str:
    """Returns why a request is refused; nothing if it is not.

    Args:
        headers: Of the request, their names in lower case.
        hosts: The names that ``Host`` may have, besides any address; None for any name.
    """
    sent = dict(headers)
    if b"origin" in sent:
        return "the page of another site may not ask (the request has an Origin)"
    if sent.get(b"sec-fetch-site", b"none") not in _OWN_PAGES and not _follows_a_link(sent):
        return "the page of another site may not ask (see Sec-Fetch-Site)"
    if hosts is not None and not _is_known(sent.get(b"host", b""), hosts):
        return "this server has another name (see Host); ask by its address or as localhost"
    return ""


def _follows_a_link(sent: Mapping[bytes, bytes]) -> bool:
    """Returns whether a window of the browser's is to show the answer, no frame and no script."""
    mode, destination = sent.get(b"sec-fetch-mode"), sent.get(b"sec-fetch-dest")
    return (mode, destination) == (b"navigate", b"document")


def _is_known(value: bytes, hosts: Collection[str]) -> bool:
    host = value.decode("latin-1").strip().lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return not name or name.rstrip(".") in hosts or is_address(name)
