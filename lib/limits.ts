/**
 * Every bound of the protocol and of this implementation. A description begins with the unit and says why; the tables
 * in docs/protocol.md are made of them by `deno task docs`.
 * @module
 */

// ---- Part of STX/1: both ends must agree ----

/** Bytes of a handshake frame's body. HELLO with ML-KEM-768 needs about 1.3 KiB; the rest is room for extensions. */
export const HANDSHAKE_BODY_SIZE_MAX = 16 * 1024;

/** Bytes of HELLO's public keys: ML-KEM-768's 1184, X25519's 32. */
export const CLIENT_SHARE_SIZE = 1184 + 32;
/** Bytes of WELCOME's: an ML-KEM-768 ciphertext of 1088, X25519's 32. */
export const SERVER_SHARE_SIZE = 1088 + 32;

/** Bytes before a record's ciphertext: sequence number and size. */
export const RECORD_HEADER_SIZE = 8;
/** Bytes of an authentication tag, the same in either suite. */
export const TAG_SIZE = 16;
/** Bytes of the CRC-32 at a record's end. */
export const RECORD_CRC_SIZE = 4;
/** Bytes of a record's smallest ciphertext: the type and the acknowledgement. */
export const RECORD_CIPHERTEXT_SIZE_MIN = 5;
/** Bytes of a record's largest ciphertext. 1 MiB is where larger records no longer get faster. */
export const RECORD_CIPHERTEXT_SIZE_MAX = 1024 * 1024;
/**
 * Records of one direction in one session. Their numbers end 2^16 short of 2^32, so that a generation is never used
 * up half-way.
 */
export const SEQUENCE_END = 2 ** 32 - 2 ** 16;
/**
 * Bits of a sequence number that count inside a key generation: 2^16 records, so at 1 MiB a record about 2^32 AES
 * blocks a key.
 */
export const GENERATION_SHIFT = 16;
/** Records in flight in one direction, at most: READY may allow fewer. */
export const WINDOW_RECORDS = 256;
/** Records of control that may be in flight beyond a full window, so that an acknowledgement is never stuck. */
export const WINDOW_CONTROL_RECORDS = 16;
/** Records that a client may send behind VERIFY, before READY: enough for an OFFER and about 3,000 names. */
export const EARLY_RECORDS = 16;
/** Bytes of those records, whole. READY never allows less. */
export const EARLY_SIZE_MAX = 256 * 1024;
/** Bytes that a client sends before READY, in all: the early records, HELLO, VERIFY, and a few records of control. */
export const BEFORE_READY_SIZE_MAX = EARLY_SIZE_MAX + 3 * HANDSHAKE_BODY_SIZE_MAX;

/** Bytes of a block of the data stream, at least: each costs 41 bytes around it, and work. */
export const BLOCK_SIZE_MIN = 16 * 1024;
/** Bytes of a block of the data stream, at most: a record less 64, which leaves room for what stands before it. */
export const BLOCK_SIZE_MAX = RECORD_CIPHERTEXT_SIZE_MAX - 64;
/** Bytes of the whole data stream: 2^53 - 1 is what a JavaScript number counts exactly, 8 PiB. */
export const STREAM_SIZE_MAX = Number.MAX_SAFE_INTEGER;
/** Entries of one manifest: a million files and their folders, some seconds of work. */
export const ENTRY_COUNT_MAX = 2 ** 20 + 2 ** 16;
/** Bytes of a path inside a transfer, in UTF-8: Linux's PATH_MAX less room for the receiver's own folder. */
export const PATH_SIZE_MAX = 3072;
/** Bytes of one part of a path, in UTF-8: NAME_MAX of every file system in use. */
export const NAME_SIZE_MAX = 255;
/** Parts of a path: deeper folders are beyond what people make, and cost a call each. */
export const PATH_DEPTH_MAX = 128;
/** Bytes of one MANIFEST message; entries are whole in messages. */
export const MANIFEST_BODY_SIZE_MAX = 64 * 1024;
/** Milliseconds from 1970, either way, of any time of a file or of a change of identity: what JavaScript's Date can hold. */
export const TIME_MS_MAX = 8.64e15;
/** Bytes of REJECT's text, in UTF-8: enough for a sentence with a long name in it. */
export const REJECT_TEXT_SIZE_MAX = 3000;
/** NAKs in a row for one sequence number; at one more the connection is given up and resumed. */
export const NAK_SAME_MAX = 3;
/** NAKs in one direction of a session; at one more the connection is given up and resumed. */
export const NAK_SESSION_MAX = 64;

// ---- This implementation's own: a peer can notice them ----

/** Bytes of records in flight towards either end: what READY offers. TCP on Linux itself holds about 6 MiB. */
export const WINDOW_SIZE_BYTES = 16 * 1024 * 1024;
/**
 * Bytes of a block as this sender cuts the stream. A block is what a cut makes a line carry again: at 1 Mbit/s two
 * seconds of it. Larger ones bring a file no sooner.
 */
export const BLOCK_SIZE = 256 * 1024 - 64;
/** Milliseconds of a whole handshake: at the server from accept to READY, at the client from HELLO to READY. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Milliseconds by which the two clocks may differ: enough for clocks that are set by hand. */
export const CLOCK_SKEW_MAX_MS = 120_000;
/** Handshakes under way at once. A stranger costs some 20 KiB; one more takes the place of one that is there. */
export const HANDSHAKES_MAX = 256;
/** Handshakes of one IPv4 address or one IPv6 /64, so that a single machine cannot take every place. */
export const HANDSHAKES_PER_ADDRESS_MAX = 64;
/** Answers to HELLO a second: each is about 1 ms of public-key work, so strangers get a quarter of one core. */
export const PUBLIC_KEY_PER_SECOND = 250;
/** Answers to HELLO at once, after a quiet time: more senders than that do not begin together. */
export const PUBLIC_KEY_BURST = 512;
/** Nonces of clients that a server remembers in memory; the oldest makes room. About 8 MiB. */
export const NONCE_RING_SIZE = 65_536;
/** Senders served at once by one receiver; one more is told that it is busy. */
export const CONNECTIONS_MAX = 512;
/** Senders with one key, served at once: as many jobs as it is likely to have, and an eighth of all. */
export const CONNECTIONS_PER_SENDER_MAX = 64;
/** Milliseconds from READY to OFFER. */
export const OFFER_TIMEOUT_MS = 30_000;
/**
 * Milliseconds without a message of the transfer after which the receiver ends the connection, whatever PINGs say: a
 * sender that offers and goes on with nothing would hold its place for ever.
 */
export const PROGRESS_TIMEOUT_MS = 600_000;
/** Milliseconds of the same for a stream, which may pause for its own reasons and cannot be sent again: a day. */
export const STREAM_TIMEOUT_MS = 24 * 3600 * 1000;
/** Entries of transfers that one sender may have begun and not finished; one more is refused. */
export const UNFINISHED_COUNT_MAX = 1_000;
/** Bytes of the manifests of those transfers: ten of a million files each, which the disk has to hold for a month. */
export const UNFINISHED_MANIFESTS_SIZE_MAX = 1024 * 1024 * 1024;
/** Bytes of a whole manifest: a million entries of 256. A peer must not fill our memory before a file comes. */
export const MANIFEST_SIZE_MAX = 256 * 1024 * 1024;
/** Milliseconds for a record that has begun to be whole: 1 MiB at 64 kbit/s takes 131 seconds. */
export const RECORD_TIMEOUT_MS = 180_000;
/**
 * Milliseconds without a byte inside a record: shorter than the pause between PINGs, which a damaged size would
 * swallow.
 */
export const RECORD_STALL_MS = 15_000;
/** Milliseconds after which an end that has sent nothing sends a PING, so that silence means a dead line. */
export const PING_AFTER_MS = 20_000;
/** Milliseconds of silence after which the connection is given up. */
export const IDLE_TIMEOUT_MS = 60_000;
/** Milliseconds to find an intact record after line noise. */
export const RESYNC_TIMEOUT_MS = 5_000;
/** Milliseconds that a closing side reads on, so that its last words are heard instead of a reset. */
export const DRAIN_TIMEOUT_MS = 2_000;
/** Bytes that it reads then, at most. */
export const DRAIN_SIZE_MAX = 1024 * 1024;
/** Milliseconds that an end which has said its last word waits for the peer's. */
export const GOODBYE_TIMEOUT_MS = 5_000;
/** Bytes between two points at which the receiver makes what it has durable. */
export const DURABLE_EVERY_BYTES = 32 * 1024 * 1024;
/** Milliseconds between the same: what a crash costs at most on a slow line. */
export const DURABLE_EVERY_MS = 2_000;
/** Handshakes more, in one run of a sender, after what anybody on the way can cause with one changed byte. */
export const UNTRUSTED_ALERTS_MAX = 3;
/** Milliseconds of the first pause before a new connection, at most; it doubles. */
export const RETRY_DELAY_MS_MIN = 500;
/** Milliseconds of the longest pause before a new connection, at most. */
export const RETRY_DELAY_MS_MAX = 30_000;
/** Milliseconds without progress after which a sender gives up. */
export const RETRY_FOR_MS = 600_000;

// ---- This implementation's own: no peer notices them ----

/** Bytes of memory that the manifests of all transfers under way may take at a receiver; then it is busy. */
export const MANIFESTS_SIZE_MAX = 1792 * 1024 * 1024;
/** Bytes of it for those of one sender: the largest manifest there can be takes up to 1,193 MiB, and nobody gets all. */
export const MANIFESTS_PER_SENDER_SIZE_MAX = 1280 * 1024 * 1024;
/** Bytes that each transfer has beside that, so that a few files are never kept waiting by many. */
export const MANIFEST_FREE_SIZE = 256 * 1024;
/** Milliseconds for which a receiver remembers a finished transfer, 30 days: who sends it again then is as new. */
export const FINISHED_AGE_MAX_MS = 30 * 24 * 3600 * 1000;
/** Entries of finished transfers that a receiver remembers: about 80 MB, and looked up in no time. */
export const FINISHED_COUNT_MAX = 100_000;
/** Bytes of the manifests of one sender's finished transfers that a receiver keeps; the oldest are forgotten. */
export const FINISHED_MANIFESTS_SIZE_MAX = 1024 * 1024 * 1024;
/** Milliseconds to a TCP connection. */
export const CONNECT_TIMEOUT_MS = 15_000;
/** Keys in one file of shared keys: each is tried on every HELLO, which takes some 10 microseconds. */
export const SHARED_KEY_COUNT_MAX = 64;
/** Seals under way at once: the runtime's crypto threads; more gains nothing on any machine measured. */
export const SEALS_IN_FLIGHT = 4;

// ---- The rounds protocol ----

/** Bytes of a client's id, in ASCII: a name that a person types. */
export const ROUNDS_ID_SIZE_MAX = 64;
/** Bytes of a packet's ciphertext: 1,000 numbers of the largest size take 98,999. */
export const ROUNDS_CIPHERTEXT_SIZE_MAX = 128 * 1024;
/** Clients of one group, and so sessions of one server: a product of so many sums stays below 10,000 digits. */
export const ROUNDS_CLIENTS_MAX = 100;
/** Handshakes under way with one server: all of a group at once, behind one address, and as many strangers. */
export const ROUNDS_HANDSHAKES_MAX = 256;
/** Milliseconds from a connection to its returned challenge. */
export const ROUNDS_HANDSHAKE_TIMEOUT_MS = 10_000;
/** Milliseconds from a round's opening to its end, whoever is missing. */
export const ROUND_DEADLINE_MS = 10_000;
/** Epochs that a client may be ahead of its server, by HELLOs that never arrived: so many hashes at most. */
export const EPOCHS_AHEAD_MAX = 1024;
/** Numbers in one value. */
export const ROUNDS_FIELDS_MAX = 1000;
/** Digits of a result, those behind the point included. */
export const ROUNDS_DIGITS_MAX = 10_000;
/** Milliseconds that a connection may take to accept what is sent to it. */
export const ROUNDS_WRITE_TIMEOUT_MS = 10_000;
