/**
 * Every bound of the protocol and of this implementation, with its unit and its reason. Those in the first
 * part are part of STX/1: both ends must agree on them. Those in the second part are this implementation's
 * own choices, which a peer cannot see.
 * @module
 */

// ---- Part of STX/1 ----

/** A handshake body. HELLO with ML-KEM-768 needs about 1.3 KiB; the rest is room for extensions. */
export const HANDSHAKE_BODY_SIZE_MAX = 16 * 1024;

/** HELLO's public keys: ML-KEM-768's 1184 bytes, X25519's 32. */
export const CLIENT_SHARE_SIZE = 1184 + 32;
/** WELCOME's: an ML-KEM-768 ciphertext of 1088 bytes, X25519's 32. */
export const SERVER_SHARE_SIZE = 1088 + 32;

/** Bytes before a record's ciphertext: sequence number and size. */
export const RECORD_HEADER_SIZE = 8;
/** Authentication tag of either suite. */
export const TAG_SIZE = 16;
/** CRC-32 at a record's end. */
export const RECORD_CRC_SIZE = 4;
/** A record's smallest ciphertext: the type byte and the acknowledgement. */
export const RECORD_CIPHERTEXT_SIZE_MIN = 5;
/** A record's largest ciphertext. 1 MiB is where larger records no longer get faster. */
export const RECORD_CIPHERTEXT_SIZE_MAX = 1024 * 1024;
/** Sequence numbers end 2^16 short of 2^32, so that a generation is never used up half-way. */
export const SEQUENCE_END = 2 ** 32 - 2 ** 16;
/** Records of one key generation: 2^16, so at 1 MiB a record about 2^32 AES blocks a key. */
export const GENERATION_SHIFT = 16;
/** Records in flight in one direction. */
export const WINDOW_RECORDS = 256;
/** Control records that may be in flight beyond a full window, so that an acknowledgement is never stuck. */
export const WINDOW_CONTROL_RECORDS = 16;
/** What a client may send behind VERIFY, before READY: enough for an OFFER and about 3,000 names. */
export const EARLY_RECORDS = 16;
/** The same, in bytes of whole records. */
export const EARLY_SIZE_MAX = 256 * 1024;

/** A block of the data stream: at least 16 KiB, at most 64 bytes less than a record. */
export const BLOCK_SIZE_MIN = 16 * 1024;
export const BLOCK_SIZE_MAX = RECORD_CIPHERTEXT_SIZE_MAX - 64;
/** The whole data stream: 2^53 - 1 is what a JavaScript number counts exactly, 8 PiB. */
export const STREAM_SIZE_MAX = Number.MAX_SAFE_INTEGER;
/** Entries of one manifest: a million files and their folders, some seconds of work. */
export const ENTRY_COUNT_MAX = 2 ** 20 + 2 ** 16;
/** A path inside a transfer, in UTF-8 bytes: Linux's PATH_MAX less room for the receiver's own folder. */
export const PATH_SIZE_MAX = 3072;
/** One part of a path, in UTF-8 bytes: NAME_MAX of every file system in use. */
export const NAME_SIZE_MAX = 255;
/** Parts of a path. */
export const PATH_DEPTH_MAX = 128;
/** Plaintext body of one MANIFEST record; entries are whole in records. */
export const MANIFEST_BODY_SIZE_MAX = 64 * 1024;
/** NAKs for one sequence number before the connection is given up and resumed. */
export const NAK_SAME_MAX = 3;
/** NAKs in one session. */
export const NAK_SESSION_MAX = 64;

// ---- This implementation's own ----

/** Bytes of records in flight towards us: what READY offers. TCP on Linux itself holds about 6 MiB. */
export const WINDOW_SIZE_BYTES = 16 * 1024 * 1024;
/** From accept to a verified client. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** To a TCP connection. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** A record that has begun must be whole after this: 1 MiB at 64 kbit/s takes 131 seconds. */
export const RECORD_TIMEOUT_MS = 180_000;
/** Time without a byte inside a record: shorter than the pause between PINGs, which a damaged size would swallow. */
export const RECORD_STALL_MS = 15_000;
/** An end that has sent nothing for so long sends a PING, so that silence means a dead line. */
export const PING_AFTER_MS = 20_000;
/** Silence after which the connection is given up. */
export const IDLE_TIMEOUT_MS = 60_000;
/** Time to find an intact record after line noise. */
export const RESYNC_TIMEOUT_MS = 5_000;
/** How long a closing side reads, so that its last words are heard instead of a reset. */
export const DRAIN_TIMEOUT_MS = 2_000;
/** And how much it reads then. */
export const DRAIN_SIZE_MAX = 1024 * 1024;
/** How long an end that has said its last word waits for the peer's. */
export const GOODBYE_TIMEOUT_MS = 5_000;
/** How far the two clocks may differ. */
export const CLOCK_SKEW_MAX_MS = 120_000;
/** Seals under way at once: the runtime's crypto threads; more gains nothing on any machine measured. */
export const SEALS_IN_FLIGHT = 4;
/** New handshakes after an alert in clear, which anybody may have forged. */
export const UNTRUSTED_ALERTS_MAX = 3;
/** First pause before a new connection; it doubles. */
export const RETRY_DELAY_MS_MIN = 500;
/** Longest pause before a new connection. */
export const RETRY_DELAY_MS_MAX = 30_000;
/** Time without progress after which a sender gives up. */
export const RETRY_FOR_MS = 600_000;
/** Data between two points at which the receiver makes what it has durable. */
export const DURABLE_EVERY_BYTES = 32 * 1024 * 1024;
/** The same in time: what a crash costs at most on a slow line. */
export const DURABLE_EVERY_MS = 2_000;
/** Bytes of a whole manifest: a million entries of 256 bytes. A peer must not fill our memory before a file comes. */
export const MANIFEST_SIZE_MAX = 256 * 1024 * 1024;
/** From READY to OFFER. */
export const OFFER_TIMEOUT_MS = 30_000;
/** Handshakes under way at once. A stranger costs some 20 KiB; one more takes the place of one that is there. */
export const HANDSHAKES_MAX = 256;
/** The same from one IPv4 address or one IPv6 /64, so that a single machine cannot take every place. */
export const HANDSHAKES_PER_ADDRESS_MAX = 64;
/** Answers to HELLO a second: each is about 1 ms of public-key work, so strangers get a quarter of one core. */
export const PUBLIC_KEY_PER_SECOND = 250;
/** Answers to HELLO at once, after a quiet time: more senders than that do not begin together. */
export const PUBLIC_KEY_BURST = 512;
/** Client nonces that a server remembers in memory; the oldest makes room. About 8 MiB. */
export const NONCE_RING_SIZE = 65_536;
/** Shared keys in one file: each is tried on every HELLO, which takes some 10 microseconds. */
export const SHARED_KEY_COUNT_MAX = 64;
/** Senders served at once by one receiver. */
export const CONNECTIONS_MAX = 512;
