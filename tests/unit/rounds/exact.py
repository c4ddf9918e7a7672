"""What a round's values come to, computed from docs/rounds.md alone, in fractions and high precision.

Standard input is JSON: a list of rounds, each a list of values. Standard output is a list of [sums, product], in text.
The decimal module computes the same once more, with more digits than any result has; the two must agree.
"""

import decimal
import json
import re
import sys
from fractions import Fraction

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
# An operation that would round is an error.
decimal.setcontext(decimal.Context(prec=50_000, Emax=10**6, Emin=-(10**6), traps=[
    decimal.Inexact, decimal.Rounded, decimal.Overflow, decimal.Underflow, decimal.InvalidOperation,
]))

NUMBER = re.compile(r"[+-]?[0-9]{1,64}(\.[0-9]{1,32})?\Z")


def number_of(text):
    fields = re.split(r"[ \t\r\n]*,[ \t\r\n]*|[ \t\r\n]+", text.strip(" \t\r\n"))
    if len(fields) > 1000 or not all(NUMBER.match(field) for field in fields):
        length = len(text.encode())
        return Fraction(length), decimal.Decimal(length)
    return (
        sum((Fraction(field) for field in fields), Fraction(0)),
        sum((decimal.Decimal(field) for field in fields), decimal.Decimal(0)),
    )


def written(fraction, same):
    """The shortest way to write a number that both modules have come to."""
    text = format(same.normalize(), "f") if same else "0"
    assert Fraction(text) == fraction
    return text


answers = []
for values in json.load(sys.stdin):
    numbers = [number_of(value) for value in values]
    product, check = Fraction(1), decimal.Decimal(1)
    for exact, same in numbers:
        product, check = product * exact, check * same
    answers.append([[written(*number) for number in numbers], written(product, check)])
json.dump(answers, sys.stdout)
