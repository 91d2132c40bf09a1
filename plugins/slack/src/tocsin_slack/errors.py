"""What Slack answers, and the failure that it stands for.

The Web API answers JSON with ``ok`` and, mostly at HTTP 200, a fixed word in ``error``; an incoming webhook answers a
fixed word as plain text. Of any other word only what looks like one is shown.

Sources: the methods' own pages below docs.slack.dev/reference/methods, and
docs.slack.dev/messaging/sending-messages-using-incoming-webhooks ("Handling errors").
"""

from __future__ import annotations

import attrs

from tocsin import (
    AuthError,
    ChannelConfigError,
    ClientError,
    DeliveryError,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    Scope,
    ServerError,
)

__all__ = ["API_WORDS", "EDIT_IMPOSSIBLE", "LIMITED", "THREAD_IMPOSSIBLE", "WEBHOOK_LIMITED", "WEBHOOK_WORDS", "Word"]

_TOKEN = "Check bot_token: a bot token begins with xoxb- and stands under OAuth & Permissions of the app."
_REINSTALL = "Install the app in the workspace again and put its new token into bot_token."
_SCOPE = "Add the scope chat:write to the app and install it again."
_ADMIN = "Ask an administrator of the workspace to allow it."
_CHANNEL = "Check the id in channel_ids, and invite the app to the channel: /invite @app."
_INVITE = "Invite the app to the channel with /invite @app, or give it the scope chat:write.public."
_ARCHIVED = "Unarchive the channel, or remove it from channel_ids."
_RESTRICTED = "The channel's posting permissions keep the app out; a workspace administrator can change them."
_CONTENT = "Slack refused the message; a simpler form is tried once."
_MIGRATION = "The workspace is being moved; it answers again when that is done."
_REPORT = "Slack refused how it was asked; report it, and check api_url where it is set."
_FORMER = "The earlier message cannot be changed; a new one is sent where that helps."
_HOOK = "Make a new incoming webhook for the app and put its URL into webhook_urls."
_HOOK_CHANNEL = "The webhook's channel or person is gone; make a new webhook and put its URL into webhook_urls."
_HOOK_ADMIN = "The workspace restricts this webhook; ask an administrator, or make one for another channel."


@attrs.frozen
class Word:
    """One row: what the word stands for, and what to do."""

    failure: type[DeliveryError]
    hint: str = ""
    scope: Scope | None = None
    outcome: Outcome | None = None


LIMITED = Word(RateLimited, scope=Scope.CHANNEL)
"""A bot's 429, with or without a word: it concerns a method in the workspace, whatever channel it posts to."""
WEBHOOK_LIMITED = Word(RateLimited)
"""A webhook's 429, which concerns that webhook alone."""

_OF_OTHERS = (
    # What only files, drafts, canvases, contact cards, broadcast edits and foreign identities meet.
    "as_user_not_supported",
    "blocked_file_type",
    "cant_broadcast_message",
    "draft_already_deleted",
    "draft_already_sent",
    "draft_has_conflict",
    "draft_not_found",
    "duplicate_channel_not_found",
    "duplicate_message_not_found",
    "file_deleted",
    "file_is_deleted",
    "file_not_found",
    "file_share_limit_reached",
    "max_file_sharing_exceeded",
    "missing_file_data",
    "no_dual_broadcast_content_update",
    "send_on_behalf_not_allowed",
    "slack_connect_blocked_file_type",
    "slack_connect_canvas_sharing_blocked",
    "slack_connect_clip_sharing_blocked",
    "slack_connect_file_link_sharing_blocked",
    "slack_connect_file_upload_sharing_blocked",
    "slack_connect_lists_sharing_blocked",
    "too_many_contact_cards",
    "unable_to_share_files",
)

API_WORDS: dict[str, Word] = {
    # The token, and with it all channels of the bot; no webhook.
    "not_authed": Word(AuthError, _TOKEN),
    "invalid_auth": Word(AuthError, _TOKEN),
    "not_allowed_token_type": Word(AuthError, _TOKEN),
    "is_bot": Word(AuthError, _TOKEN),
    "team_not_found": Word(AuthError, _TOKEN),
    "account_inactive": Word(AuthError, _REINSTALL),
    "token_revoked": Word(AuthError, _REINSTALL),
    "token_expired": Word(AuthError, "Turn token rotation off for the app, or put a fresh token into bot_token."),
    "missing_scope": Word(AuthError, _SCOPE),
    "accesslimited": Word(AuthError, "The workspace allows this only from certain networks; ask an administrator."),
    "app_access_restricted": Word(AuthError, _ADMIN),
    "enterprise_is_restricted": Word(AuthError, "Install the app in a workspace of the organisation."),
    "two_factor_setup_required": Word(AuthError, "The workspace demands two factors; set them up for the account."),
    "access_denied": Word(AuthError, _ADMIN, scope=Scope.RECIPIENT),
    # This destination.
    "channel_not_found": Word(InvalidRecipient, _CHANNEL),
    "channel_is_limited_access": Word(InvalidRecipient, _CHANNEL),
    "not_in_channel": Word(InvalidRecipient, _INVITE),
    "no_permission": Word(InvalidRecipient, _INVITE),
    "is_archived": Word(InvalidRecipient, _ARCHIVED),
    "is_inactive": Word(InvalidRecipient, _ARCHIVED),
    "restricted_action": Word(InvalidRecipient, _RESTRICTED),
    "restricted_action_read_only_channel": Word(InvalidRecipient, _RESTRICTED),
    "restricted_action_thread_only_channel": Word(InvalidRecipient, _RESTRICTED),
    "restricted_action_thread_locked": Word(InvalidRecipient, _RESTRICTED),
    "restricted_action_non_threadable_channel": Word(InvalidRecipient, _RESTRICTED),
    "posting_to_channel_denied": Word(InvalidRecipient, _RESTRICTED),
    "ekm_access_denied": Word(InvalidRecipient, "Administrators have suspended posting to this channel."),
    "messages_tab_disabled": Word(InvalidRecipient, "Switch the messages tab of the app's home on."),
    # This message.
    "invalid_blocks": Word(PayloadError, _CONTENT),
    "invalid_blocks_format": Word(PayloadError, _CONTENT),
    "invalid_attachments": Word(PayloadError, _CONTENT),
    "attachment_payload_limit_exceeded": Word(PayloadError, _CONTENT),
    "too_many_attachments": Word(PayloadError, _CONTENT),
    "msg_too_long": Word(PayloadError, _CONTENT),
    "msg_blocks_too_long": Word(PayloadError, _CONTENT),
    "no_text": Word(PayloadError, _CONTENT),
    "markdown_text_conflict": Word(PayloadError, _CONTENT),
    "metadata_too_large": Word(PayloadError, _CONTENT),
    "metadata_must_be_sent_from_app": Word(PayloadError, _CONTENT),
    "invalid_metadata_format": Word(PayloadError, _CONTENT),
    "invalid_metadata_schema": Word(PayloadError, _CONTENT),
    # Later.
    "ratelimited": LIMITED,
    "rate_limited": LIMITED,
    "service_unavailable": Word(ServerError),
    "request_timeout": Word(ServerError),
    "update_failed": Word(ServerError),
    "team_added_to_org": Word(ServerError, _MIGRATION),
    "org_login_required": Word(ServerError, _MIGRATION),
    "external_channel_migrating": Word(ServerError, _MIGRATION, scope=Scope.RECIPIENT),
    # Slack says of both that a part of the operation may have succeeded.
    "fatal_error": Word(ServerError, outcome=Outcome.UNKNOWN),
    "internal_error": Word(ServerError, outcome=Outcome.UNKNOWN),
    # Nothing that a retry or another form would change.
    "message_limit_exceeded": Word(ClientError, "The workspace has used up its messages; see its plan and usage."),
    "unknown_method": Word(ChannelConfigError, "Check api_url; it must end in /api, like https://slack.com/api."),
    "method_deprecated": Word(ClientError, _REPORT),
    "deprecated_endpoint": Word(ClientError, _REPORT),
    "invalid_arguments": Word(ClientError, _REPORT),
    "invalid_arg_name": Word(ClientError, _REPORT),
    "invalid_array_arg": Word(ClientError, _REPORT),
    "invalid_charset": Word(ClientError, _REPORT),
    "invalid_form_data": Word(ClientError, _REPORT),
    "invalid_post_type": Word(ClientError, _REPORT),
    "missing_post_type": Word(ClientError, _REPORT),
    # The earlier message; what is in the sets below is followed by a new one.
    "cannot_reply_to_message": Word(ClientError, _FORMER),
    "thread_not_found": Word(ClientError, _FORMER),
    "invalid_thread_ts": Word(ClientError, _FORMER),
    "message_not_found": Word(ClientError, _FORMER),
    "cant_update_message": Word(ClientError, _FORMER),
    "edit_window_closed": Word(ClientError, _FORMER),
    "block_mismatch": Word(ClientError, _FORMER),
    "streaming_state_conflict": Word(ClientError, _FORMER),
    **dict.fromkeys(_OF_OTHERS, Word(ClientError, _REPORT)),
}
"""Words of ``error`` in the answers of chat.postMessage, chat.update, auth.test and conversations.info."""

_GONE = {
    "no_service": _HOOK,
    "no_service_id": _HOOK,
    "no_active_hooks": _HOOK,
    "no_team": _HOOK,
    "team_disabled": _HOOK,
    "channel_not_found": _HOOK_CHANNEL,
    "channel_is_archived": _HOOK_CHANNEL,
    "user_not_found": _HOOK_CHANNEL,
    "action_prohibited": _HOOK_ADMIN,
    "posting_to_general_channel_denied": _HOOK_ADMIN,
}
_UNFIT = (
    "invalid_payload",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "no_text",
    "missing_text_or_fallback_or_attachments",
    "too_many_attachments",
)

WEBHOOK_WORDS: dict[str, Word] = {
    "invalid_token": Word(AuthError, _HOOK, scope=Scope.RECIPIENT),
    **{word: Word(InvalidRecipient, hint) for word, hint in _GONE.items()},
    **{word: Word(PayloadError, _CONTENT) for word in _UNFIT},
    "rate_limited": WEBHOOK_LIMITED,
    "rollup_error": Word(ServerError),
}
"""Bodies of an incoming webhook's answers that are not ``ok``."""

EDIT_IMPOSSIBLE = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_inactive",
        "block_mismatch",
        "streaming_state_conflict",
    }
)
"""The earlier message cannot be changed any more; a new one is sent."""
THREAD_IMPOSSIBLE = frozenset(
    {
        "message_not_found",
        "cannot_reply_to_message",
        "thread_not_found",
        "invalid_thread_ts",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    }
)
"""Nothing can be put under the earlier message; a new one is sent. (thread_not_found and invalid_thread_ts are not
documented for chat.postMessage; they were seen: github.com/slackapi/bolt-js/issues/2307,
github.com/jenkinsci/slack-plugin/issues/584.)"""
