/**
 * Where others find this machine.
 * @module
 */

/** An address that others can dial: for a wildcard the first one of this machine that is not loopback. */
export function reachableHost(host: string): string {
  const isIpv6 = host.includes(":");
  if (host !== "0.0.0.0" && host !== "::") return host;
  const loopback = isIpv6 ? "::1" : "127.0.0.1";
  // Without permission to look, loopback is the one address that is certain.
  if (Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" }).state !== "granted") {
    return loopback;
  }
  const family = isIpv6 ? "IPv6" : "IPv4";
  const addresses = Deno.networkInterfaces().filter((each) => each.family === family).map((each) =>
    each.address
  );
  return addresses.find((each) => !each.startsWith("127.") && each !== "::1" && !each.startsWith("fe80")) ??
    loopback;
}
