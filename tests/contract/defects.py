"""Channels that break the contract, each in one way, with the checks of the suite that find it.

``test_suite.py`` runs this file in a pytest of its own, where every check that is named here must fail.
"""

import logging
import os
import threading
import time
import urllib.request
import uuid

import attrs
from test_third_party import PushlineChannel, PushlineSimulator

from tocsin import (
    Alert,
    AuthError,
    Capabilities,
    ConnectionFailed,
    DeliveryError,
    DeliveryTimeout,
    Health,
    PayloadError,
    RateLimited,
    Receipt,
    Recipient,
    ServerError,
    hookimpl,
)
from tocsin.settings import setting
from tocsin.testing import ChannelContract

CHECKS = {}
define = attrs.define(eq=False, kw_only=True)


def found_by(*checks):
    def register(cls):
        CHECKS[cls] = checks
        return cls

    return register


def usual(channel, alert, recipient, context):
    return PushlineChannel.send(channel, alert, recipient, context)


@found_by(
    "test_a_fault_has_its_kind_and_outcome[lie]",
    "test_a_success_without_an_answer_is_none",
    "test_an_answer_that_means_nothing_is_no_success[garbage]",
    "test_an_answer_that_means_nothing_is_no_success[oversize]",
)
@define
class BelievesEvery2xx(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        fields = {"user": recipient.address.reveal(), "key": context.key, "text": alert.title}
        context.http.post(f"{self.api_url}/messages", json=fields, headers=self._headers()).check()
        return Receipt()


@found_by(
    "test_a_fault_has_its_kind_and_outcome[reset]",
    "test_a_fault_has_its_kind_and_outcome[lost_answer]",
    "test_a_closed_port_is_a_failed_connection",
    "test_a_lost_answer_leaves_it_open",
    "test_nothing_is_taken_when_the_connection_breaks_first",
)
@define
class TakesABrokenConnectionForASuccess(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except (ConnectionFailed, DeliveryTimeout):
            return Receipt()


@found_by("test_a_lost_answer_leaves_it_open", "test_a_fault_has_its_kind_and_outcome[lost_answer]")
@define
class CallsALostAnswerSafeToRepeat(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except ConnectionFailed:
            raise ConnectionFailed("the connection broke") from None


@found_by("test_half_an_answer_is_a_success_or_leaves_it_open")
@define
class CallsHalfAnAnswerARefusal(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except DeliveryTimeout:
            raise PayloadError("not understood") from None


@found_by(
    "test_a_fault_has_its_kind_and_outcome[unauthorized]",
    "test_a_bare_status_has_its_kind_and_outcome[500]",
    "test_a_redirect_is_not_followed[302]",
    "test_the_words_of_the_plugin_itself_are_clean[server_error]",
)
@define
class RaisesWhatNobodyExpects(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except DeliveryError as error:
            raise KeyError(error.status_code) from None


@found_by(
    "test_a_wait_in_seconds_is_kept_to",
    "test_a_wait_until_a_date_is_kept_to",
    "test_a_bare_status_may_carry_a_wait[429]",
)
@define
class ForgetsTheWait(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except RateLimited:
            raise RateLimited("too many") from None


@found_by(
    "test_a_receiver_that_drips_is_given_up_at_the_deadline", "test_a_receiver_that_hangs_is_given_up_at_the_deadline"
)
@define
class WaitsBeyondTheDeadline(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        body = b'{"user": "alice.smith", "key": "k", "text": "x"}'
        request = urllib.request.Request(f"{self.api_url}/messages", body, self._headers())
        try:
            with urllib.request.urlopen(request, timeout=1.0) as answer:
                for _ in range(12):
                    answer.read(1)
        except OSError:
            raise DeliveryTimeout("too late") from None
        return Receipt()


@found_by("test_a_redirect_is_not_followed[302]", "test_a_bare_status_has_its_kind_and_outcome[307]")
@define
class TriesARedirectAgain(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except DeliveryError as error:
            if error.status_code in (302, 307):
                return usual(self, alert, recipient, context)
            raise


@found_by("test_it_never_retries[server_error]", "test_a_fault_has_its_kind_and_outcome[server_error]")
@define
class Retries(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except ServerError:
            return usual(self, alert, recipient, context)


@found_by("test_it_never_sleeps")
@define
class Sleeps(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        time.sleep(0.001)
        return usual(self, alert, recipient, context)


@found_by("test_it_does_not_read_the_environment")
@define
class ReadsTheEnvironment(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        os.getenv("PUSHLINE_COLOUR")
        return usual(self, alert, recipient, context)


@found_by("test_it_does_not_read_the_environment")
@define
class TakesDefaultsFromTheEnvironment(PushlineChannel):
    colour: str = attrs.field(
        factory=lambda: os.environ.get("CHANNEL_COLOUR", "red"), metadata=setting(help="A colour")
    )


@found_by("test_it_starts_no_thread_of_its_own")
@define
class LeavesAThread(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        threading.Thread(target=threading.Event().wait, args=(5.0,), daemon=True).start()
        return usual(self, alert, recipient, context)


@found_by("test_only_the_recipient_that_was_meant_gets_it", "test_a_failing_recipient_does_not_repeat_the_good_one")
@define
class TellsEverybody(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        return [usual(self, alert, one, context) for one in self.recipients][-1]


@found_by("test_the_key_on_the_wire_is_the_same_in_every_attempt")
@define
class InventsKeys(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        return usual(self, alert, recipient, attrs.evolve(context, key=uuid.uuid4().hex))


@found_by("test_a_copy_is_marked_where_the_provider_knows_no_key")
@define
class SaysNothingOfACopy(PushlineChannel):
    capabilities = Capabilities(http=True)


@found_by("test_the_worst_alerts_arrive[message of 100 kB]", "test_the_worst_alerts_arrive[message without a blank]")
@define
class CutsNothing(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        fields = {"user": recipient.address.reveal(), "key": context.key, "text": alert.title + alert.message}
        context.http.post(f"{self.api_url}/messages", json=fields, headers=self._headers()).check()
        return Receipt()


@found_by("test_title_and_message_arrive", "test_threads_do_not_disturb_each_other")
@define
class SendsNothingOfTheAlert(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        return usual(self, Alert(title="An alert", message=""), recipient, context)


@found_by("test_threads_do_not_disturb_each_other")
@define
class MixesUpWhatThreadsSend(PushlineChannel):
    _latest: list = attrs.field(init=False, factory=lambda: [None])

    @hookimpl
    def send(self, alert, recipient, context):
        self._latest[0] = alert
        context.http.get(f"{self.api_url}/account", headers=self._headers())
        return usual(self, self._latest[0], recipient, context)


@found_by("test_a_success_is_a_receipt", "test_markup_of_any_kind_is_text[html]")
@define
class ReturnsWhatTheProviderSaid(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        return usual(self, alert, recipient, context).to_dict()


@found_by(
    "test_a_fault_shows_neither_secret_nor_content[refused_payload]",
    "test_the_words_of_the_plugin_itself_are_clean[refused_payload]",
)
@define
class QuotesTheAlertInAnError(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except PayloadError:
            raise PayloadError(f"refused: {alert.message}") from None


@found_by("test_the_words_of_the_plugin_itself_are_clean[unauthorized]")
@define
class QuotesTheTokenInAHint(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        try:
            return usual(self, alert, recipient, context)
        except AuthError:
            raise AuthError("refused", hint=f"check {self.token.reveal()}") from None


@found_by("test_a_success_shows_neither_secret_nor_content", "test_a_fault_shows_neither_secret_nor_content[reset]")
@define
class LogsContent(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        logging.getLogger("pushline").debug("sending", extra={"what": alert.title})
        return usual(self, alert, recipient, context)


@found_by("test_a_success_shows_neither_secret_nor_content")
@define
class PrintsTheToken(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        print("POST", self._headers())
        return usual(self, alert, recipient, context)


@found_by("test_a_success_shows_neither_secret_nor_content")
@define
class PutsContentOntoTheReceipt(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, context):
        return attrs.evolve(usual(self, alert, recipient, context), details={"title": alert.title})


@found_by("test_no_representation_shows_a_secret")
@define
class ShowsTheTokenInItsRepr(PushlineChannel):
    def __repr__(self):
        return f"Pushline({self.token.reveal()})"


@found_by("test_no_representation_shows_a_secret")
@define
class ShowsTheUsersInItsRepr(PushlineChannel):
    def __repr__(self):
        return f"Pushline({self.users})"


@found_by("test_health_never_sends")
@define
class SendsInItsHealth(PushlineChannel):
    @hookimpl
    def health(self, context):
        usual(self, Alert(title="Are you there?", message=""), self.recipients[0], context)
        return Health.ok()


@found_by("test_health_is_failing_where_nobody_listens", "test_health_is_failing_where_the_credentials_are_wrong")
@define
class HopesInItsHealth(PushlineChannel):
    @hookimpl
    def health(self, context):
        return Health.ok()


@found_by("test_the_hooks_are_marked_and_take_known_arguments")
@define
class ForgetsAMark(PushlineChannel):
    def health(self, context):
        return Health.ok()


@found_by("test_the_hooks_are_marked_and_take_known_arguments")
@define
class WantsAnArgumentThatThereIsNot(PushlineChannel):
    @hookimpl
    def send(self, alert, recipient, colour):
        return Receipt()


@found_by("test_it_is_written_for_this_version_of_the_contract")
@define
class IsOfAnotherTime(PushlineChannel):
    api_version = 2


@found_by("test_a_label_tells_recipients_apart_and_is_masked")
@define
class ShowsAddressesAsLabels(PushlineChannel):
    @property
    def recipients(self):
        return tuple(Recipient.of(user, label=user) for user in self.users)


@found_by("test_recipients_have_stable_ids_of_their_own")
@define
class ChangesItsRecipients(PushlineChannel):
    @property
    def recipients(self):
        return tuple(attrs.evolve(Recipient.of(user), id=uuid.uuid4().hex) for user in self.users)


@found_by("test_every_setting_has_a_help_text")
@define
class ExplainsNothing(PushlineChannel):
    colour: str = "red"


def refuse(value):
    raise ValueError(f"cannot be {value!r}")


@found_by("test_a_wrong_value_is_a_problem_that_does_not_quote_it")
@define
class QuotesWhatItWasGiven(PushlineChannel):
    colour: str | None = attrs.field(
        default=None, converter=attrs.converters.optional(refuse), metadata=setting(help="A colour")
    )


@found_by("test_a_wrong_value_is_a_problem_that_does_not_quote_it")
@define
class FailsInItsOwnWay(PushlineChannel):
    colour: str = attrs.field(default="red", converter=lambda value: value.strip(), metadata=setting(help="A colour"))


@found_by("test_what_sounds_secret_is_declared_secret")
@define
class KeepsAPasswordInAString(PushlineChannel):
    password: str = attrs.field(default="", metadata=setting(help="The password"))


@found_by("test_every_environment_name_is_usable_and_its_own")
@define
class NamesTwoSettingsAlike(PushlineChannel):
    user: str = attrs.field(default="", metadata=setting("PUSHLINE_USERS", "The first user"))


@found_by("test_no_setting_has_a_reserved_name")
@define
class MakesASettingOfItsCapabilities(PushlineChannel):
    capabilities: Capabilities = Capabilities(http=True)


@found_by("test_equal_settings_make_different_channels")
@attrs.define(kw_only=True, eq=True, unsafe_hash=True)
class IsAValue(PushlineChannel):
    pass


@found_by("test_the_environment_and_native_values_make_the_same_channel")
@define
class TakesNativeValuesOnly(PushlineChannel):
    users: tuple[str, ...] = attrs.field(converter=tuple, metadata=setting(help="Users to tell"))


@found_by("test_an_empty_list_of_recipients_is_a_problem")
@define
class ReachesNobody(PushlineChannel):
    users: tuple[str, ...] = attrs.field(
        converter=attrs.fields(PushlineChannel).users.converter, metadata=setting(help="Users to tell")
    )


@found_by("test_it_may_be_closed_more_than_once")
@define
class BreaksWhenClosedTwice(PushlineChannel):
    _pool: list = attrs.field(init=False, factory=lambda: [1])

    def close(self):
        self._pool.pop()


@found_by("test_a_send_after_the_end_is_typed")
@define
class BreaksAfterItsEnd(PushlineChannel):
    _pool: list = attrs.field(init=False, factory=lambda: [1])

    def close(self):
        self._pool.clear()

    @hookimpl
    def send(self, alert, recipient, context):
        return self._pool[0] and usual(self, alert, recipient, context)


@found_by("test_two_of_a_kind_share_nothing")
@define
class SharesItsPool(PushlineChannel):
    POOL = [1]  # noqa: RUF012 -- that is the defect

    def close(self):
        self.POOL.clear()

    @hookimpl
    def send(self, alert, recipient, context):
        return self.POOL[0] and usual(self, alert, recipient, context)


for defect in CHECKS:
    fields = {"channel_class": defect, "simulator_class": PushlineSimulator, "channel_type": "pushline"}
    globals()[f"Test{defect.__name__}"] = type(f"Test{defect.__name__}", (ChannelContract,), fields)
