"""
Whether 32 bytes are a public key as section "Primitives" demands, by the curve's own arithmetic (RFC 8032).

Run as a program, it says so of every line in hexadecimal.
"""

import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NEUTRAL = (0, 1, 1, 0)


def is_public_key(key):
    """Whether `key` is the canonical encoding of a point of prime order."""
    point = _decoded(key)
    return point is not None and not _is_neutral(point) and _is_neutral(_times(ORDER, point))


def _decoded(key):
    """The point in extended coordinates, or None (RFC 8032, section 5.1.3)."""
    if len(key) != 32:
        return None
    number = int.from_bytes(key, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P != 0 or (x == 0 and sign == 1):
        return None
    if x % 2 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def _is_neutral(point):
    x, y, z, _ = point
    return x % P == 0 and (y - z) % P == 0


def _sum(one, other):
    """RFC 8032, section 5.1.4; it adds a point to itself as well."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _times(factor, point):
    result = NEUTRAL
    while factor > 0:
        if factor % 2 == 1:
            result = _sum(result, point)
        point, factor = _sum(point, point), factor // 2
    return result


if __name__ == "__main__":
    for line in sys.stdin:
        print("safe" if is_public_key(bytes.fromhex(line)) else "not safe")
