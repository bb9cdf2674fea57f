"""The phone: one HTML page without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from batua.testing.simulators.whatsapp.store import Message

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #d9dbd5; font: 16px/1.4 system-ui, sans-serif; color: #111b21; }
main { max-width: 26rem; min-height: 100vh; margin: 0 auto; background: #efeae2;
  display: flex; flex-direction: column; }
header { position: sticky; top: 0; padding: .8rem 1rem; background: #075e54; color: #fff; }
header h1 { margin: 0; font-size: 1.1rem; }
header p { margin: 0; font-size: .8rem; opacity: .9; }
ol { list-style: none; margin: 0; padding: 1rem; display: flex; flex-direction: column;
  gap: .6rem; flex: 1; justify-content: flex-end; }
li { max-width: 88%; padding: .5rem .7rem; background: #fff; border-radius: 0 .7rem .7rem .7rem;
  box-shadow: 0 1px 1px #0002; overflow-wrap: anywhere; }
li p { margin: 0; }
small { display: block; margin-top: .2rem; color: #54656f; }
.read b { color: #0a7cc4; }
.failed b { color: #b3261e; }
.empty { margin: auto; padding: 2rem; color: #54656f; text-align: center; }
"""

_TICKS: Mapping[str, str] = {
    "accepted": "◷",
    "sent": "✓",
    "delivered": "✓✓",
    "read": "✓✓",
    "played": "✓✓",
    "failed": "✕",
}


def page(messages: Sequence[Message]) -> str:
    """The chat, newest message last. Every text from outside is escaped."""
    bubbles = "\n".join(_bubble(message) for message in messages)
    chat = f"<ol>\n{bubbles}\n</ol>" if messages else '<p class="empty">No messages yet.</p>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3">
<title>WhatsApp simulator</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><h1>WhatsApp simulator</h1><p>No message leaves this machine.</p></header>
{chat}
</main>
</body>
</html>
"""


def _bubble(message: Message) -> str:
    status, clock = escape(message.status), escape(message.created_at[11:16])
    tick = _TICKS.get(message.status, "")
    return (
        f'<li class="{status}"><p>{escape(message.text)}</p>'
        f'<small>to +{escape(message.to)} · <time datetime="{escape(message.created_at)}">{clock}'
        f' UTC</time> <b aria-hidden="true">{tick}</b> {status}</small></li>'
    )
