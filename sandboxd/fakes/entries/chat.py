"""Chat: Slack, Telegram, Discord."""

from __future__ import annotations

from sandboxd.fakes.alphabets import ALNUM_UPPER, BASE62, BASE64_URL, DIGITS, HEX
from sandboxd.fakes.forms.symbols import Lit, Mark, Rand, symbols
from sandboxd.fakes.forms.tokens import discord
from sandboxd.fakes.model import Kind, Proof

KINDS = (
    Kind(
        id="slack_bot_token",
        name="slack.bot_token",
        aliases=("slack.token",),
        title="Slack bot token",
        provider="Slack",
        proof=Proof.HINTED,
        why="Its numeric ids start with 0.",
        shape="xoxb-[0-9]{10,13}-[0-9]{10,13}-[0-9A-Za-z]{24}",
        real="xoxb-[0-9]{10,13}-[0-9]{10,13}-[0-9A-Za-z]{20,34}",
        anchors=("xoxb-",),
        form=symbols(
            Lit("xoxb-0"), Rand(11, DIGITS), Lit("-0"), Rand(12, DIGITS), Lit("-"), Rand(13, BASE62), Mark(11, BASE62)
        ),
        key="slack_bot_token",
    ),
    Kind(
        id="slack_user_token",
        name="slack.user_token",
        title="Slack user token",
        provider="Slack",
        proof=Proof.HINTED,
        why="Its numeric ids start with 0.",
        shape="xoxp(?:-[0-9]{10,13}){3}-[0-9A-Za-z]{28,34}",
        real=r"(?:xoxp(?:-[0-9]{10,13}){3}-[0-9A-Za-z]{28,34}|xoxe(?:\.xox[bp])?-[0-9]-[0-9A-Za-z]{100,})",
        anchors=(
            "xoxp-",
            "xoxe",
        ),
        form=symbols(
            Lit("xoxp-0"),
            Rand(11, DIGITS),
            Lit("-0"),
            Rand(11, DIGITS),
            Lit("-0"),
            Rand(12, DIGITS),
            Lit("-"),
            Rand(16, HEX),
            Mark(16, HEX),
        ),
        key="slack_user_token",
    ),
    Kind(
        id="slack_app_token",
        name="slack.app_token",
        title="Slack app-level token",
        provider="Slack",
        proof=Proof.HINTED,
        why="Its app id is all zeros but for two symbols, and its numeric id starts with 0.",
        shape=r"xapp-\d-A[0-9A-Z]{10}-[0-9]{13}-[0-9a-f]{64}",
        anchors=("xapp-",),
        form=symbols(
            Lit("xapp-1-A00000000"),
            Rand(2, ALNUM_UPPER),
            Lit("-0"),
            Rand(12, DIGITS),
            Lit("-"),
            Rand(48, HEX),
            Mark(16, HEX),
        ),
        key="slack_app_token",
    ),
    Kind(
        id="slack_webhook",
        name="slack.webhook_url",
        aliases=("slack.webhook",),
        title="Slack incoming webhook URL",
        provider="Slack",
        proof=Proof.HINTED,
        why="Team and bot id are the zeros of Slack's documentation.",
        shape=r"https://hooks\.slack\.com/services/T[0-9A-Z]{8,12}/B[0-9A-Z]{8,12}/[0-9A-Za-z]{23,25}",
        anchors=("hooks.slack.com/",),
        documented=r"https://hooks\.slack\.com/services/T00000000/B00000000/X{24}",
        form=symbols(Lit("https://hooks.slack.com/services/T00000000/B00000000/"), Rand(13, BASE62), Mark(11, BASE62)),
        aside="A program that posts to it still reaches hooks.slack.com: prefer a loopback URL where it takes one.",
        key="slack_webhook_url",
    ),
    Kind(
        id="telegram_bot_token",
        name="telegram.bot_token",
        title="Telegram bot token",
        provider="Telegram",
        proof=Proof.HINTED,
        why="Its bot id starts with 00, which is no way to write a number.",
        shape="[0-9]{8,10}:[0-9A-Za-z_-]{35}",
        anchors=(":",),
        documented="123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        form=symbols(Lit("00"), Rand(8, DIGITS), Lit(":AA"), Rand(22, BASE64_URL), Mark(11, BASE64_URL)),
        key="telegram_bot_token",
    ),
    Kind(
        id="discord_bot_token",
        name="discord.bot_token",
        title="Discord bot token",
        provider="Discord",
        proof=Proof.IMPOSSIBLE,
        why="Its user id is of an account made after 2085, and does not fit 64 signed bits.",
        shape=r"[MNO][0-9A-Za-z_-]{23,25}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,38}",
        anchors=(".",),
        form=discord(),
        key="discord_bot_token",
    ),
)
