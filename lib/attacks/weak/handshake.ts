/**
 * Handshakes with some of their defences switched off: the same code, but for the methods that are the defences.
 * @module
 */
export { startWeakClient } from "./handshake_client.ts";
export { makeWeakGuard, makeWeakServer } from "./handshake_server.ts";
