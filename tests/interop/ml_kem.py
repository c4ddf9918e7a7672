"""
ML-KEM-768 (FIPS 203) for tests: plain integers in lists, not constant in time, slow, and fit for nothing else.

Run as a program, it answers lines of `keygen SEED`, `encaps KEY RANDOM` and `decaps KEY CIPHERTEXT`, all in
hexadecimal, with a line of results each; so its answers can be held against those of another implementation.
"""

import sys
from hashlib import sha3_256, sha3_512, shake_128, shake_256

N = 256
Q = 3329
K = 3
ETA = 2
DU = 10
DV = 4

PUBLIC_KEY_BYTES = 384 * K + 32
SECRET_KEY_BYTES = 768 * K + 96
CIPHERTEXT_BYTES = 32 * (DU * K + DV)


def _reversed_bits(value):
    """The seven bits of `value` from back to front."""
    return int(format(value, "07b")[::-1], 2)


ZETAS = [pow(17, _reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reversed_bits(i) + 1, Q) for i in range(128)]


def generate_keys(seed):
    """Algorithm 16: the public and the secret key that come of the 64 bytes `d | z`."""
    d, z = seed[:32], seed[32:]
    public_key, inner_secret = _inner_generate(d)
    return public_key, inner_secret + public_key + sha3_256(public_key).digest() + z


def encapsulate(public_key, random):
    """Algorithms 17 and 20: the shared secret and its ciphertext, with 32 random bytes."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise ValueError("a public key of ML-KEM-768 has another size")
    for i in range(K):
        if any(c >= Q for c in _unpack(public_key[384 * i:384 * (i + 1)], 12)):
            raise ValueError("a public key of ML-KEM-768 has a coefficient that is not reduced")
    both = sha3_512(random + sha3_256(public_key).digest()).digest()
    return both[:32], _inner_encrypt(public_key, random, both[32:])


def decapsulate(secret_key, ciphertext):
    """Algorithms 18 and 21: the shared secret; for a wrong ciphertext another, which nobody can foretell."""
    if len(secret_key) != SECRET_KEY_BYTES or len(ciphertext) != CIPHERTEXT_BYTES:
        raise ValueError("a secret key or ciphertext of ML-KEM-768 has another size")
    public_key = secret_key[384 * K:768 * K + 32]
    digest, z = secret_key[768 * K + 32:768 * K + 64], secret_key[768 * K + 64:]
    if sha3_256(public_key).digest() != digest:
        raise ValueError("a secret key of ML-KEM-768 does not fit its own public key")
    message = _inner_decrypt(secret_key[:384 * K], ciphertext)
    both = sha3_512(message + digest).digest()
    if _inner_encrypt(public_key, message, both[32:]) == ciphertext:
        return both[:32]
    return shake_256(z + ciphertext).digest(32)


def _inner_generate(d):
    """Algorithm 13."""
    both = sha3_512(d + bytes([K])).digest()
    rho, sigma = both[:32], both[32:]
    noise = [_transform(_small_noise(sigma, i)) for i in range(2 * K)]
    secret, error = noise[:K], noise[K:]
    matrix = _matrix(rho)
    public = [_sum(_row_times(matrix[i], secret), error[i]) for i in range(K)]
    return (
        b"".join(_pack(each, 12) for each in public) + rho,
        b"".join(_pack(each, 12) for each in secret),
    )


def _inner_encrypt(public_key, message, random):
    """Algorithm 14."""
    public = [_unpack(public_key[384 * i:384 * (i + 1)], 12) for i in range(K)]
    matrix = _matrix(public_key[384 * K:])
    y = [_transform(_small_noise(random, i)) for i in range(K)]
    error_1 = [_small_noise(random, K + i) for i in range(K)]
    error_2 = _small_noise(random, 2 * K)
    columns = [[matrix[i][j] for i in range(K)] for j in range(K)]
    u = [_sum(_transform_back(_row_times(columns[j], y)), error_1[j]) for j in range(K)]
    mu = [_decompressed(bit, 1) for bit in _unpack(message, 1)]
    v = _sum(_sum(_transform_back(_row_times(public, y)), error_2), mu)
    return b"".join(_pack([_compressed(c, DU) for c in each], DU) for each in u) + _pack(
        [_compressed(c, DV) for c in v], DV
    )


def _inner_decrypt(secret_key, ciphertext):
    """Algorithm 15."""
    size = 32 * DU
    u = [[_decompressed(c, DU) for c in _unpack(ciphertext[size * i:size * (i + 1)], DU)] for i in range(K)]
    v = [_decompressed(c, DV) for c in _unpack(ciphertext[size * K:], DV)]
    secret = [_unpack(secret_key[384 * i:384 * (i + 1)], 12) for i in range(K)]
    noisy = _transform_back(_row_times(secret, [_transform(each) for each in u]))
    return _pack([_compressed((a - b) % Q, 1) for a, b in zip(v, noisy)], 1)


def _matrix(rho):
    """The matrix of the public key: three rows of three polynomials, already transformed."""
    return [[_uniform(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def _uniform(seed):
    """Algorithm 7, SampleNTT."""
    stream, size, at = b"", 0, 0
    out = []
    while len(out) < N:
        if at + 3 > size:
            size += 840
            stream = shake_128(seed).digest(size)
        a, b, c = stream[at:at + 3]
        at += 3
        out += [each for each in (a + 256 * (b % 16), b // 16 + 16 * c) if each < Q]
    return out[:N]


def _small_noise(seed, number):
    """Algorithm 8, SamplePolyCBD, over the output of PRF for `number`."""
    bits = int.from_bytes(shake_256(seed + bytes([number])).digest(64 * ETA), "little")
    out = []
    for _ in range(N):
        out.append(((bits & 1) + (bits >> 1 & 1) - (bits >> 2 & 1) - (bits >> 3 & 1)) % Q)
        bits >>= 2 * ETA
    return out


def _transform(polynomial):
    """Algorithm 9, NTT."""
    f, i, length = list(polynomial), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length] = (f[j] - t) % Q
                f[j] = (f[j] + t) % Q
        length //= 2
    return f


def _transform_back(polynomial):
    """Algorithm 10, the inverse of NTT."""
    f, i, length = list(polynomial), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [c * 3303 % Q for c in f]


def _product(f, g):
    """Algorithm 11, MultiplyNTTs."""
    out = []
    for i, gamma in enumerate(GAMMAS):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out += [(a * c + b * d * gamma) % Q, (a * d + b * c) % Q]
    return out


def _row_times(row, column):
    """The sum of the products of two vectors' parts."""
    products = [_product(f, g) for f, g in zip(row, column)]
    return [sum(parts) % Q for parts in zip(*products)]


def _sum(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def _compressed(c, bits):
    return ((c << bits) + Q // 2) // Q % (1 << bits)


def _decompressed(c, bits):
    return (c * Q + (1 << bits - 1)) >> bits


def _pack(numbers, bits):
    """Algorithm 5, ByteEncode."""
    whole = 0
    for number in reversed(numbers):
        whole = whole << bits | number
    return whole.to_bytes(32 * bits, "little")


def _unpack(data, bits):
    """Algorithm 6, ByteDecode, without its reduction: for 12 bits numbers up to 4095 come out."""
    whole, mask = int.from_bytes(data, "little"), (1 << bits) - 1
    return [whole >> bits * i & mask for i in range(N)]


def _answer(command, *arguments):
    """The results of one line of the program's input."""
    values = [bytes.fromhex(each) for each in arguments]
    if command == "keygen":
        return generate_keys(values[0])
    if command == "encaps":
        return encapsulate(*values)
    return (decapsulate(*values),)


if __name__ == "__main__":
    for line in sys.stdin:
        print(*(value.hex() for value in _answer(*line.split())))
