"""Mails that lie in files are read: the newest first, page by page, and nothing that is none."""

import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from kassa.contracts.mail import MailsNotKept
from kassa.kit.lists import paging
from kassa.kit.problem import NotFound
from kassa.mail import kept
from kassa.mail.mail_server import Server
from kassa.mail.message import digest_of
from kassa.mail.postmen import Files, Smtp
from kassa.mail.service import MailService, NoMails
from tests.mail.orders import LINK, ORDER_ID, foot_of, mail
from tests.support import FakeClock


async def _written(directory: Path, count: int) -> tuple[Files, list[str]]:
    """So many mails, and their ids, the newest first; of two that are next to each other both are of one time."""
    files = Files(directory, FakeClock())
    service = MailService(files, foot_of("Mug & Co"), "shop@mug.example")
    for number in range(count):
        await service.send(mail(cause=f"eff:{number}", at=1_790_000_000_000 + number // 2 * 1000))
    return files, [each.id for each in files.newest()]


async def test_a_page_has_what_its_mails_are(tmp_path: Path) -> None:
    files, (only,) = await _written(tmp_path, 1)
    (found,), pagination = kept.page(files, paging())
    assert (found.id, found.kind, found.about, found.to) == (only, "order_confirmed", ORDER_ID, "ada@shop.example")
    assert only == digest_of("eff:0")
    assert found.subject == "Your order at Mug & Co is confirmed"
    assert found.sent_at == "2026-09-21T14:13:20.000Z"
    assert (pagination.total, pagination.next_cursor) == (1, None)


async def test_pages_are_all_mails_once_and_only_theirs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, ids = await _written(tmp_path, 7)
    read: list[Path] = []
    seen: list[str] = []
    cursor, really = None, kept._read

    def noted(path: Path) -> EmailMessage | None:
        read.append(path)
        return really(path)

    monkeypatch.setattr(kept, "_read", noted)
    for size in (3, 3, 1):
        mails, pagination = kept.page(files, paging(3, 0, cursor))
        assert (len(mails), pagination.total) == (size, 7)
        seen += [each.id for each in mails]
        assert len(read) == len(seen)
        cursor = pagination.next_cursor
    assert cursor is None
    assert seen == ids
    skipped, pagination = kept.page(files, paging(2, 5))
    assert [each.id for each in skipped] == ids[5:]
    assert pagination.next_cursor is None
    assert kept.page(files, paging(2, 50))[0] == []


async def test_one_mail_says_what_was_sent(tmp_path: Path) -> None:
    files, (only,) = await _written(tmp_path, 1)
    found = kept.whole(files, only)
    assert LINK in found.text
    assert LINK in found.html
    assert found.html.startswith("<!doctype html>")
    assert "Summer (SUMMER)" in found.text


@pytest.mark.parametrize("mail_id", ["", "*", "../x", "0" * 32, "\0", "a" * 10_000])
async def test_a_mail_that_is_not_there_is_not_found(tmp_path: Path, mail_id: str) -> None:
    files, _ = await _written(tmp_path, 1)
    with pytest.raises(NotFound):
        kept.whole(files, mail_id)


async def test_where_nothing_was_sent_yet_there_is_nothing(tmp_path: Path) -> None:
    mails, pagination = kept.page(Files(tmp_path / "none", FakeClock()), paging())
    assert (mails, pagination.total) == ([], 0)


_DAMAGED = {
    "empty": b"",
    "no mail": b"\x00\xff\xfe" * 100,
    "no subject": b"To: a@b.example\r\n\r\nx",
    "no recipient": b"Subject: x\r\n\r\nx",
    "half a letter": b"To: a@b.example\r\nSubject: =?raw_unicode_escape?q?=5Cud800?=\r\n\r\nx",
    "far too large": b"To: a@b.example\r\nSubject: x\r\n\r\n" + b"x" * kept.LARGEST,
}


@pytest.mark.parametrize("damage", _DAMAGED)
async def test_a_damaged_file_is_passed_over(tmp_path: Path, damage: str) -> None:
    files, ids = await _written(tmp_path, 3)
    files.newest()[1].path.write_bytes(_DAMAGED[damage])
    mails, pagination = kept.page(files, paging())
    assert [each.id for each in mails] == [ids[0], ids[2]]
    assert pagination.total == 3
    with pytest.raises(NotFound):
        kept.whole(files, ids[1])


@pytest.mark.parametrize(
    "content",
    [
        b"To: a@b.example\r\nSubject: x\r\n\r\ntext alone",
        b'To: a@b.example\r\nSubject: x\r\nContent-Type: text/plain; charset="none"\r\n\r\nx',
        b"To: a@b.example\r\nSubject: x\r\nContent-Type: text/plain; charset=raw_unicode_escape\r\n\r\n\\ud800",
        b"To: a@b.example\r\nSubject: x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n",
    ],
)
async def test_half_a_mail_is_not_shown_as_one(tmp_path: Path, content: bytes) -> None:
    files, ids = await _written(tmp_path, 1)
    files.newest()[0].path.write_bytes(content)
    with pytest.raises(NotFound):
        kept.whole(files, ids[0])


async def test_what_only_looks_like_a_file_of_ours_is_not_followed_or_waited_for(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"To: a@b.example\r\nSubject: x\r\n\r\nx")
    files, ids = await _written(tmp_path / "mails", 4)
    link, pipe, directory, _ = (each.path for each in files.newest())
    for each in (link, pipe, directory):
        each.unlink()
    link.symlink_to(tmp_path / "secret")
    os.mkfifo(pipe)
    directory.mkdir()
    assert [each.id for each in kept.page(files, paging())[0]] == [ids[3]]


def test_where_no_mails_are_kept_it_is_said_where_they_go() -> None:
    server = Smtp(Server("localhost", 25, is_tls=False, needs_tls=False))
    with pytest.raises(MailsNotKept, match="go to the mail server of MAIL_URL"):
        MailService(server, foot_of("Shop"), "shop@mug.example").kept()
    with pytest.raises(MailsNotKept, match="MAIL_URL=off"):
        NoMails().kept()
