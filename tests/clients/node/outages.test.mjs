// node-vault, unmodified, and what it makes of outages. Each request asks for the fault that it meets by a header.

import assert from "node:assert/strict";
import { test } from "node:test";
import nodeVault from "node-vault";

const endpoint = process.env.VAULT_ADDR;

const read = async (fault, more = {}) => {
  const headers = fault ? { "X-Sandboxd-Fault": fault } : {};
  const client = nodeVault({ endpoint, token: "root", requestOptions: { headers, ...more } });
  return (await client.read("secret/data/app")).data.data.x;
};

const refused = (code, pattern) => (error) => {
  assert.equal(error.response?.statusCode, code, `status of: ${error.message}`);
  assert.match(error.message, pattern);
  return true;
};

const broken = (pattern) => (error) => {
  assert.match(`${error.code} ${error.message} ${error.cause?.code} ${error.cause?.message}`, pattern);
  return true;
};

const failsWith = async (fault, check, more) => {
  await assert.rejects(read(fault, more), check);
  assert.equal(await read(), 1);
};

test("a sealed Vault", () => failsWith("sealed", refused(503, /Vault is sealed/)));
test("an election", () => failsWith("election", refused(500, /local node not active/)));
test("a rate limit", () => failsWith("rate-limited", refused(429, /rate limit quota exceeded/)));
test("a permission denied", () => failsWith("denied", refused(403, /permission denied/)));
test("a token that is rejected", () => failsWith("token-rejected", refused(403, /invalid token/)));
test("an audit device that is blocked", () => failsWith("audit-blocked", refused(500, /internal error/)));
test("a page of a proxy", () => failsWith("proxy-page code=502", refused(502, /Status 502/)));
test("any status", () => failsWith("status code=418", refused(418, /Status 418/)));
test("an answer that is reset", () => failsWith("reset", broken(/ECONNRESET|socket hang up/)));
test("no answer, and the end", () => failsWith("empty", broken(/ECONNRESET|socket hang up/)));
test("an answer that is cut short", () => failsWith("truncated", broken(/aborted|ECONNRESET|terminated/)));
test("an answer that is no HTTP", () => failsWith("garbage", broken(/HPE_|Parse Error/)));
test("a chunk that is none", () => failsWith("malformed-chunk", broken(/HPE_|Parse Error|aborted/)));
test("an answer that never comes", () => failsWith("silent", broken(/TIMEDOUT|timeout|ECONNABORTED/i), { timeout: 200 }));

test("a slow answer", async () => assert.equal(await read("slow delay=50ms"), 1));
test("an answer that dribbles", async () => assert.equal(await read("dribble pieces=5 over=50ms"), 1));
