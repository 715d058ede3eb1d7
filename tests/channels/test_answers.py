"""Answers of customers, and what must not be read in logs."""

import pytest

from channels.masking import mask
from channels.optouts import opt_out_word, read_answer
from channels.plaintext import plain_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", "opt_out"),
        (" stop. ", "opt_out"),
        ("Td", "opt_out"),
        ("Ｔ", "opt_out"),
        ("T", "opt_out"),
        ("r", "opt_out"),
        ("N", "opt_out"),
        ("退订", "opt_out"),
        ("退订。", "opt_out"),
        ("拒收", "opt_out"),
        ("unsubscribe", "opt_out"),
        ("please stop texting me", "person"),
        ("我要退订这个", "person"),
        ("再发就投诉", "person"),
        ("don't stop", "nothing"),
        ("Don’t stop", "nothing"),
        ("please do not stop my cover", "nothing"),
        ("when does it start", "nothing"),
        ("不退订", "nothing"),
        ("START", "nothing"),
        ("stopover in Rome", "nothing"),
        ("no", "nothing"),
        ("好的", "nothing"),
        ("", "nothing"),
    ],
)
def test_only_the_exact_word_is_an_opt_out(text: str, expected: str) -> None:
    assert opt_out_word(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("YES", "confirm"),
        (" yes! ", "confirm"),
        ("Ｙ", "confirm"),
        ("同意。", "confirm"),
        ("yes please stop", "person"),
        ("yesterday", "nothing"),
        ("不同意", "nothing"),
        ("START", "nothing"),
        ("STOP", "opt_out"),
    ],
)
def test_only_the_exact_word_confirms(text: str, expected: str) -> None:
    assert read_answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to +8613800138000 failed", "to +***********00 failed"),
        ("To=%2B8613800138000", "To=%2B***********00"),
        ("138 0013 8000", "***********00"),
        ("li.wei@example.com", "l***@example.com"),
        ("code 21211", "code 21211"),
        ("token " + "a" * 80, "token aaaa…"),
    ],
)
def test_numbers_and_addresses_are_hidden(text: str, expected: str) -> None:
    assert mask(text) == expected


def test_an_email_has_plain_words_too() -> None:
    html = "<head><style>p{}</style></head><h1>您好</h1><p>还有 60&nbsp;天，<a href='https://a.cn/x'>续保</a>。</p><ul><li>甲<li>乙</ul>"
    assert plain_text(html) == "您好\n\n还有 60 天，续保 (https://a.cn/x)。\n\n- 甲\n- 乙\n"
