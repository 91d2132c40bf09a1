"""What goes to the provider, and what comes back."""

import json
import threading

import jsonschema
import pytest

from tocsin import AlertPriority, DeliveryTimeout, Outcome, Receipt
from tocsin.rendering import REPEATED
from tocsin.testing import Answer, Fault, FaultKind
from tocsin_telegram.errors import REPLY_IMPOSSIBLE

GROUP, NEW_ID = "-1001000000001", -1009999999999


def test_a_message_goes_to_its_chat_alone_and_its_id_is_kept(simulator, send):
    receipt = send(to=1)

    (received,) = simulator.received()
    assert received.address == simulator.addresses()[1]
    assert received.text.startswith("🟠 Disk full\n\n/var is at 98 %\n")
    assert (receipt.state, receipt.provider_id) == ("accepted", received.provider_id)


def test_every_request_is_a_documented_one(simulator, channel_to, requests, schemas, send, alert):
    simulator.chats.add(f"{GROUP}:42")
    channel = channel_to(chat_ids=[f"{GROUP}:42", "@ops_alerts"], protect_content=True)
    first = send(alert(priority="LOW"), by=channel)
    second = send(alert(message="changed"), by=channel, previous=first)
    send(alert(message="again"), by=channel, previous=second, louder=True)
    send(by=channel, plain=True)

    arrived = [(method, fields) for method in ("sendMessage", "editMessageText") for fields in requests(method)]
    assert len(arrived) == 4
    for method, fields in arrived:
        jsonschema.validate(fields, schemas[method])


class TestSound:
    """A message makes a sound unless its priority is a silent one."""

    @pytest.mark.parametrize("priority", AlertPriority)
    def test_low_and_info_arrive_without_a_sound(self, priority, requests, send, alert):
        send(alert(priority=priority))

        (fields,) = requests()
        assert fields.get("disable_notification", False) is (priority in ("LOW", "INFO"))

    @pytest.mark.parametrize(
        ("silent", "quiet"), [("none", []), ("MEDIUM", ["MEDIUM"]), (list(AlertPriority), [*AlertPriority])]
    )
    def test_the_silent_priorities_can_be_set(self, silent, quiet, channel_to, requests, send, alert):
        channel = channel_to(silent=silent)
        for priority in AlertPriority:
            send(alert(priority=priority), by=channel)

        assert [fields.get("disable_notification", False) for fields in requests()] == [
            priority in quiet for priority in AlertPriority
        ]

    def test_an_edit_has_no_sound_to_switch_off(self, send, alert, requests):
        send(alert(priority="LOW", status="resolved"), previous=send(alert(priority="LOW")))

        assert "disable_notification" not in requests("editMessageText")[0]


def test_messages_can_be_protected_from_being_forwarded(channel_to, send, alert, requests):
    send()
    channel = channel_to(protect_content=True)
    first = send(by=channel)
    send(alert(status="resolved"), by=channel, previous=first)

    assert [fields.get("protect_content") for fields in requests()] == [None, True, None]


class TestTopic:
    """A topic of a forum group is named beside its chat."""

    def test_a_topic_is_named_beside_its_chat(self, simulator, channel_to, send, requests):
        simulator.chats.add(f"{GROUP}:42")
        send(by=channel_to(chat_ids=[f"{GROUP}:42"]))

        assert (requests()[0]["chat_id"], requests()[0]["message_thread_id"]) == (int(GROUP), 42)

    def test_the_general_topic_is_the_chat_itself(self, channel_to, send, requests):
        """Its number, 1, is refused as a message thread."""
        send(by=channel_to(chat_ids=[f"{GROUP}:1"]))

        assert "message_thread_id" not in requests()[0]

    def test_a_topic_that_is_gone_is_the_recipients_fault(self, channel_to, refused):
        error = refused(by=channel_to(chat_ids=[f"{GROUP}:43"]))

        assert (error.kind, error.provider_code) == ("invalid_recipient", "message thread not found")


def test_a_public_chat_is_named_as_it_is_written(simulator, channel_to, send, requests):
    simulator.chats.add("@ops_alerts")
    send(by=channel_to(chat_ids=["@ops_alerts"]))

    assert requests()[0]["chat_id"] == "@ops_alerts"


def test_the_simpler_form_is_sent_when_asked_for(send, requests):
    send(plain=True)

    assert "parse_mode" not in requests()[0]


def test_a_copy_that_may_be_the_second_one_is_marked(simulator, send):
    send(repeated=True)

    assert REPEATED in simulator.received()[0].text


def test_an_address_with_a_path_is_kept(simulator, channel_to, send):
    send(by=channel_to(api_url=f"{simulator.url}/proxy/"))

    assert simulator.requests[0].path.startswith("/proxy/bot123456789:AA")


def test_a_token_with_odd_characters_stays_one_segment(simulator, channel_to, refused):
    error = refused(by=channel_to(bot_token="1:a/b?c#d"))

    assert simulator.requests[0].path == "/bot1:a%2Fb%3Fc%23d/sendMessage"
    assert error.kind == "auth"


class TestUpdate:
    """An alert with the same dedup_key edits the earlier message."""

    def test_the_earlier_message_is_edited(self, simulator, send, alert, requests):
        first = send()
        second = send(alert(status="resolved"), previous=first)

        assert second.provider_id == first.provider_id
        assert second.details == {"edited": True}
        assert [message.text.splitlines()[0] for message in simulator.received()] == [
            "🟠 Disk full",
            "🟠 Resolved: Disk full",
        ]
        assert requests("editMessageText")[0]["message_id"] == int(first.provider_id)

    def test_an_edit_that_changes_nothing_is_a_success(self, send, alert):
        same = alert()
        first = send(same)

        assert send(same, previous=first).provider_id == first.provider_id

    def test_a_deleted_message_is_sent_anew(self, simulator, send):
        first = send()
        simulator.delete(first.provider_id)
        second = send(previous=first)

        assert second.provider_id != first.provider_id
        assert second.details == {}

    @pytest.mark.parametrize("words", ["message can't be edited", "MESSAGE_ID_INVALID", "message to edit not found"])
    def test_what_cannot_be_edited_is_sent_anew(self, simulator, send, words):
        simulator.script(400, f"Bad Request: {words}")

        assert send(previous=Receipt(provider_id="77")).provider_id == "1"

    def test_any_other_refusal_of_an_edit_is_a_failure(self, simulator, refused):
        simulator.script(403, "Forbidden: bot was kicked from the group chat")

        assert refused(previous=Receipt(provider_id="77")).kind == "invalid_recipient"
        assert simulator.calls == 1

    def test_a_repeated_edit_is_not_marked(self, simulator, send, alert):
        send(alert(status="resolved"), previous=send(), repeated=True)

        assert REPEATED not in simulator.received()[1].text

    @pytest.mark.parametrize("provider_id", [None, "", "abc", "٣", "1.5"])
    def test_a_receipt_without_a_message_leads_to_a_new_one(self, send, requests, provider_id):
        send(previous=Receipt(provider_id=provider_id))

        assert requests("editMessageText") == []


class TestLouder:
    """An edit makes no sound: what must be noticed again is a new message that answers the earlier one."""

    def test_a_new_message_answers_the_earlier_one(self, simulator, send, alert, requests):
        first = send()
        second = send(alert(priority="CRITICAL"), previous=first, louder=True)

        assert requests("editMessageText") == []
        assert requests()[1]["reply_parameters"] == {
            "message_id": int(first.provider_id),
            "allow_sending_without_reply": True,
        }
        assert second.provider_id != first.provider_id
        assert [message.text.splitlines()[0] for message in simulator.received()] == ["🟠 Disk full", "🔴 Disk full"]

    def test_the_next_update_edits_the_new_message(self, send, alert, requests):
        second = send(alert(priority="CRITICAL"), previous=send(), louder=True)
        send(alert(status="resolved"), previous=second)

        assert requests("editMessageText")[0]["message_id"] == int(second.provider_id)

    def test_a_deleted_message_needs_no_answer(self, simulator, send, alert, requests):
        first = send()
        simulator.delete(first.provider_id)
        second = send(alert(priority="CRITICAL"), previous=first, louder=True)

        assert len(requests()) == 2
        assert second.provider_id == "2"

    def test_in_a_topic_a_deleted_message_is_not_answered(self, simulator, channel_to, send, alert, requests):
        """There ``allow_sending_without_reply`` does not count, and the first request is refused."""
        simulator.chats.add(f"{GROUP}:42")
        channel = channel_to(chat_ids=[f"{GROUP}:42"])
        first = send(by=channel)
        simulator.delete(first.provider_id)
        second = send(alert(priority="CRITICAL"), by=channel, previous=first, louder=True)

        assert ["reply_parameters" in fields for fields in requests()] == [False, True, False]
        assert second.provider_id == "2"

    @pytest.mark.parametrize("words", REPLY_IMPOSSIBLE)
    def test_that_nothing_is_left_to_answer_is_followed_once(self, simulator, refused, words):
        simulator.script(400, f"Bad Request: {words}")
        simulator.script(400, f"Bad Request: {words}")

        assert refused(previous=Receipt(provider_id="77"), louder=True).kind == "payload"
        assert simulator.calls == 2

    def test_without_an_earlier_message_there_is_nothing_to_answer(self, send, requests):
        send(louder=True)

        assert "reply_parameters" not in requests()[0]


class TestUpgrade:
    """A group that became a supergroup is followed to its new id."""

    def test_the_new_id_is_followed_once_and_remembered(self, simulator, send, requests):
        simulator.upgrade(GROUP, NEW_ID)
        send()
        send()

        assert [fields["chat_id"] for fields in requests()] == [int(GROUP), NEW_ID, NEW_ID]
        assert [message.address for message in simulator.received()] == [str(NEW_ID)] * 2

    def test_other_chats_are_not_moved(self, simulator, send, requests):
        simulator.upgrade(GROUP, NEW_ID)
        send()
        send(to=1)

        assert requests()[-1]["chat_id"] == int(simulator.addresses()[1])

    def test_an_upgrade_that_leads_to_another_is_not_followed_further(self, simulator, refused, requests):
        simulator.upgrade(GROUP, NEW_ID)
        simulator.upgrade(str(NEW_ID), -1008888888888)
        error = refused()

        assert (error.kind, error.provider_code) == ("invalid_recipient", "group chat was upgraded")
        assert len(requests()) == 2

    @pytest.mark.parametrize("new_id", [None, 0, True, "-100", int(GROUP), 1.5])
    def test_a_new_id_that_makes_no_sense_is_not_followed(self, simulator, refused, new_id):
        parameters = {} if new_id is None else {"migrate_to_chat_id": new_id}
        simulator.script(400, "Bad Request: group chat was upgraded to a supergroup chat", **parameters)

        assert refused().kind == "invalid_recipient"
        assert simulator.calls == 1

    @pytest.mark.parametrize("louder", [False, True])
    def test_a_message_before_the_upgrade_is_sent_anew(self, simulator, send, requests, louder):
        """Its number is another message's in the supergroup, which must be neither edited nor answered."""
        first = send()
        simulator.upgrade(GROUP, NEW_ID)
        second = send(previous=first, louder=louder)
        send(previous=first, louder=louder)

        assert [message.address for message in simulator.received()] == [GROUP, str(NEW_ID), str(NEW_ID)]
        assert [fields["chat_id"] for fields in requests("editMessageText")] == ([] if louder else [int(GROUP)])
        assert ["reply_parameters" in fields for fields in requests("sendMessage")] == (
            [False, True, False, False] if louder else [False, False, False]
        )
        assert second.details.keys() == {"moved_to"}

    @pytest.mark.parametrize("louder", [False, True])
    def test_a_message_after_the_upgrade_is_updated(self, simulator, send, alert, requests, louder):
        simulator.upgrade(GROUP, NEW_ID)
        first = send()
        second = send(alert(message="changed"), previous=first, louder=louder)

        method, expected = ("sendMessage", "2") if louder else ("editMessageText", "1")
        assert requests(method)[-1]["chat_id"] == NEW_ID
        assert second.provider_id == expected

    def test_a_receipt_from_before_a_restart_leads_to_a_new_message(self, simulator, send, channel_to):
        """The new id is known as long as the program runs; the receipt tells that there was one."""
        simulator.upgrade(GROUP, NEW_ID)
        first = send()
        second = send(by=channel_to(), previous=first)

        assert (first.provider_id, second.provider_id) == ("1", "2")

    def test_the_receipt_does_not_tell_the_id(self, simulator, send):
        simulator.upgrade(GROUP, NEW_ID)

        assert str(NEW_ID) not in str(send().to_dict())


class TestUnusableAnswer:
    """A 2xx that nobody can read leaves the outcome unknown."""

    @pytest.mark.parametrize(
        "kind", [FaultKind.GARBAGE, FaultKind.HALF_ANSWER, FaultKind.OVERSIZE, FaultKind.LOST_ANSWER]
    )
    def test_the_outcome_is_unknown(self, simulator, refused, kind):
        simulator.fail(kind)

        assert refused().outcome is Outcome.UNKNOWN

    @pytest.mark.parametrize("result", [None, True, [], {}, {"message_id": "7"}])
    def test_ok_without_a_message_is_no_proof(self, simulator, refused, result, monkeypatch):
        monkeypatch.setattr(simulator, "_new", lambda fields: 0)
        monkeypatch.setattr(simulator, "accept", lambda *_: answer({"ok": True, "result": result}))
        error = refused()

        assert isinstance(error, DeliveryTimeout)
        assert (error.outcome, error.status_code) == (Outcome.UNKNOWN, 200)


def answer(body):
    return Answer(200, json.dumps(body).encode())


def test_one_faulty_chat_does_not_touch_the_other(simulator, send, refused):
    simulator.fail(Fault("refused_recipient", address=GROUP, times=0))

    assert refused(to=0).kind == "invalid_recipient"
    assert send(to=1).provider_id


def test_threads_share_a_channel(simulator, send):
    failures = []

    def work(to):
        try:
            for _ in range(5):
                send(to=to)
        except Exception as error:
            failures.append(error)

    simulator.upgrade(GROUP, NEW_ID)
    threads = [threading.Thread(target=work, args=(number % 2,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(simulator.received()) == 40
    assert len({message.provider_id for message in simulator.received()}) == 40
