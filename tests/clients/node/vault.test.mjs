// node-vault, unmodified, against the server at VAULT_ADDR. test_node_vault.py runs this file and reports each test.

import assert from "node:assert/strict";
import { test } from "node:test";
import nodeVault from "node-vault";

const endpoint = process.env.VAULT_ADDR;
const client = (token, more = {}) => nodeVault({ endpoint, token, ...more });
// A client for each call: node-vault goes on with the token of whatever login or creation it has made.
const vault = new Proxy({}, { get: (_, name) => (...given) => client("root")[name](...given) });

const status = (code, pattern = /./) => (error) => {
  assert.equal(error.response?.statusCode, code, `status of: ${error.message}`);
  assert.match(error.message, pattern);
  return true;
};

test("status and health are read", async () => {
  assert.equal((await vault.initialized()).initialized, true);
  assert.equal((await vault.status()).sealed, false);
  const health = await vault.health();
  assert.equal(health.initialized, true);
  assert.equal(health.standby, false);
  assert.equal((await vault.leader()).ha_enabled, false);
});

test("health gives its body also when it is no 200", async () => {
  assert.equal((await vault.health({ activecode: 299 })).sealed, false);
});

test("a version 1 secret is written, read, listed and deleted", async () => {
  await vault.mount({ mount_point: "node-one", type: "kv", description: "one" });
  await vault.write("node-one/app", { user: "ann", n: 1 });
  assert.deepEqual((await vault.read("node-one/app")).data, { user: "ann", n: 1 });
  assert.deepEqual((await vault.list("node-one")).data.keys, ["app"]);
  assert.deepEqual((await client("root", { noCustomHTTPVerbs: true }).list("node-one")).data.keys, ["app"]);
  await vault.delete("node-one/app");
  await assert.rejects(vault.read("node-one/app"), status(404, /Status 404/));
  await assert.rejects(vault.list("node-one"), status(404));
});

test("a version 2 secret has versions", async () => {
  await vault.write("secret/data/node/app", { data: { n: 1 } });
  const second = await vault.write("secret/data/node/app", { data: { n: 2 }, options: { cas: 1 } });
  assert.equal(second.data.version, 2);
  assert.deepEqual((await vault.read("secret/data/node/app")).data.data, { n: 2 });
  assert.deepEqual((await vault.read("secret/data/node/app?version=1")).data.data, { n: 1 });
  await assert.rejects(
    vault.write("secret/data/node/app", { data: { n: 3 }, options: { cas: 1 } }),
    status(400, /check-and-set parameter did not match the current version/),
  );
  await vault.update("secret/data/node/app", { data: { more: true } });
  assert.deepEqual((await vault.read("secret/data/node/app")).data.data, { n: 2, more: true });
  await vault.destroySecretVersions({ path: "node/app", versions: [1] });
  await assert.rejects(vault.read("secret/data/node/app?version=1"), (error) => {
    assert.equal(error.response.statusCode, 404);
    assert.equal(error.response.body.data.metadata.destroyed, true);
    return true;
  });
  assert.deepEqual((await vault.list("secret/metadata/node")).data.keys, ["app"]);
  await vault.delete("secret/metadata/node/app");
});

test("mounts are listed, moved and unmounted", async () => {
  await vault.mount({ mount_point: "node-mount", type: "kv", description: "mine" });
  assert.equal((await vault.mounts()).data["node-mount/"].description, "mine");
  await assert.rejects(vault.mount({ mount_point: "node-mount", type: "kv" }), status(400, /path is already in use/));
  await vault.remount({ from: "node-mount", to: "node-moved" });
  while (!("node-moved/" in (await vault.mounts()).data));
  await vault.unmount({ mount_point: "node-moved" });
  assert.ok(!("node-moved/" in (await vault.mounts()).data));
  await assert.rejects(vault.mount({ mount_point: "node-bad", type: "nothing" }), status(400, /plugin not found/));
});

test("policies are kept", async () => {
  await vault.addPolicy({ name: "node", rules: 'path "secret/data/node/*" { capabilities = ["read"] }' });
  assert.match((await vault.getPolicy({ name: "node" })).data.rules, /capabilities/);
  assert.ok((await vault.policies()).data.policies.includes("node"));
  await vault.removePolicy({ name: "node" });
  await assert.rejects(vault.getPolicy({ name: "node" }), status(404));
  await assert.rejects(vault.addPolicy({ name: "bad", rules: "nonsense" }), status(400, /failed to parse policy/));
});

test("tokens are created, looked up, renewed and revoked", async () => {
  const { auth } = await vault.tokenCreate({ policies: ["default"], ttl: "1h", meta: { app: "node" } });
  const mine = client(auth.client_token);
  const self = await mine.tokenLookupSelf();
  assert.deepEqual(self.data.meta, { app: "node" });
  assert.equal((await vault.tokenLookup({ token: auth.client_token })).data.accessor, auth.accessor);
  assert.equal((await vault.tokenLookupAccessor({ accessor: auth.accessor })).data.id, "");
  assert.equal((await mine.tokenRenewSelf({ increment: "30m" })).auth.lease_duration, 1800);
  assert.equal((await vault.tokenRenew({ token: auth.client_token, increment: "2h" })).auth.lease_duration, 7200);
  assert.ok((await vault.tokenAccessors()).data.keys.includes(auth.accessor));
  await mine.tokenRevokeSelf();
  await assert.rejects(mine.tokenLookupSelf(), status(403, /permission denied/));
  await assert.rejects(vault.tokenLookup({ token: auth.client_token }), status(403, /bad token/));
});

test("tokens are revoked by accessor, and orphans are made", async () => {
  const { auth } = await vault.tokenCreate({ policies: ["default"] });
  await vault.tokenRevokeAccessor({ accessor: auth.accessor });
  await assert.rejects(vault.tokenLookup({ token: auth.client_token }), status(403));
  const orphan = (await vault.tokenCreateOrphan({ policies: ["default"] })).auth;
  assert.equal(orphan.orphan, true);
  await vault.tokenRevoke({ token: orphan.client_token });
});

test("token roles are kept and used", async () => {
  await vault.addTokenRole({ role_name: "node", allowed_policies: "a", orphan: true });
  assert.deepEqual((await vault.getTokenRole({ role_name: "node" })).data.allowed_policies, ["a"]);
  assert.ok((await vault.tokenRoles()).data.keys.includes("node"));
  assert.deepEqual((await vault.tokenCreateRole({ role_name: "node" })).auth.policies, ["a", "default"]);
  await vault.removeTokenRole({ role_name: "node" });
  await assert.rejects(vault.getTokenRole({ role_name: "node" }), status(404));
});

test("without rights all is forbidden", async () => {
  await assert.rejects(client("bad").read("secret/data/x"), status(403, /permission denied/));
  await assert.rejects(client("").read("secret/data/x"), status(403, /permission denied/));
});

test("AppRole logs in", async () => {
  await vault.enableAuth({ mount_point: "approle", type: "approle" });
  await vault.addApproleRole({ role_name: "app", policies: "p", token_ttl: 1200 });
  const role = (await vault.getApproleRoleId({ role_name: "app" })).data.role_id;
  const secret = (await vault.getApproleRoleSecret({ role_name: "app" })).data;
  const app = client("");
  const { auth } = await app.approleLogin({ role_id: role, secret_id: secret.secret_id });
  assert.equal(app.token, auth.client_token);
  assert.equal(auth.lease_duration, 1200);
  assert.equal((await app.tokenLookupSelf()).data.path, "auth/approle/login");
  assert.deepEqual((await vault.approleRoles()).data.keys, ["app"]);
  const found = await vault.approleSecretLookup({ role_name: "app", secret_id: secret.secret_id });
  assert.equal(found.data.secret_id_accessor, secret.secret_id_accessor);
  assert.deepEqual((await vault.approleSecretAccessors({ role_name: "app" })).data.keys, [secret.secret_id_accessor]);
  await vault.approleSecretDestroy({ role_name: "app", secret_id: secret.secret_id });
  await assert.rejects(
    client("").approleLogin({ role_id: role, secret_id: secret.secret_id }),
    status(400, /invalid role or secret ID/),
  );
  await vault.updateApproleRoleId({ role_name: "app", role_id: "fixed" });
  assert.equal((await vault.getApproleRoleId({ role_name: "app" })).data.role_id, "fixed");
  await vault.deleteApproleRole({ role_name: "app" });
  await assert.rejects(vault.getApproleRole({ role_name: "app" }), status(404));
  await vault.disableAuth({ mount_point: "approle" });
});

test("userpass logs in", async () => {
  await vault.enableAuth({ mount_point: "node-users", type: "userpass" });
  assert.equal((await vault.auths()).data["node-users/"].type, "userpass");
  await vault.write("auth/node-users/users/ann", { password: "pw" });
  const ann = client("");
  await ann.userpassLogin({ mount_point: "node-users", username: "ann", password: "pw" });
  assert.equal((await ann.tokenLookupSelf()).data.meta.username, "ann");
  await assert.rejects(
    client("").userpassLogin({ mount_point: "node-users", username: "ann", password: "bad" }),
    status(400, /invalid username or password/),
  );
  await vault.disableAuth({ mount_point: "node-users" });
});

test("wrapped answers are unwrapped once", async () => {
  const headers = { "X-Vault-Wrap-TTL": "60s" };
  const wrapped = await vault.write("sys/wrapping/wrap", { a: "b" }, { headers });
  const once = client(wrapped.wrap_info.token);
  assert.deepEqual((await once.unwrap()).data, { a: "b" });
  await assert.rejects(once.unwrap(), status(400, /wrapping token is not valid or does not exist/));
});

test("namespaces are worlds of their own", async () => {
  await vault.write("sys/namespaces/node", {});
  const inside = client("root", { namespace: "node" });
  await inside.mount({ mount_point: "kv", type: "kv" });
  await inside.write("kv/a", { x: 1 });
  assert.deepEqual((await inside.read("kv/a")).data, { x: 1 });
  await assert.rejects(vault.read("kv/a"), status(404, /no handler for route/));
  await assert.rejects(client("root", { namespace: "none" }).read("kv/a"), status(404, /namespace not found/));
});

test("leases that are not there", async () => {
  await assert.rejects(vault.renew({ lease_id: "none" }), status(400, /lease not found/));
  await vault.revoke({ lease_id: "none" });
});

test("help is given", async () => {
  assert.match((await vault.help("sys/mounts")).help, /mount/i);
});

test("audit devices cannot be enabled over the wire", async () => {
  assert.deepEqual((await vault.audits()).data, {});
  await assert.rejects(vault.enableAudit({ name: "file", type: "file", options: { path: "/dev/null" } }), status(400));
});

test("the encryption key is rotated", async () => {
  await vault.rotate();
  assert.ok((await vault.read("sys/key-status")).data.term >= 2);
});
