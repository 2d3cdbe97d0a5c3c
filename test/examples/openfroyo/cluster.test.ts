import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { sql } from "async-streams";
import { s3Blobs } from "async-streams/blobs";
import { expect, onTestFinished, test } from "vitest";
import { applyPlan } from "../../../examples/openfroyo/apply/apply-plan.js";
import { readPlan } from "../../../examples/openfroyo/apply/plan.js";
import { parseArguments } from "../../../examples/openfroyo/arguments.js";
import { configOf } from "../../../examples/openfroyo/config-of-arguments.js";
import { NO_STANDBY, PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas } from "../../support/postgres-stores.js";
import { CREDENTIALS } from "../../support/s3/signature.js";
import { S3Stub } from "../../support/s3/stub-server.js";
import { createTempDir } from "../../support/temp-dir.js";
import { runExample } from "../support/run-example.js";
import { openStore, openStoreWithRun, PROFILES } from "./support/stores.js";

const WEBSITE = fileURLToPath(new URL("../../../examples/openfroyo/plans/website.json", import.meta.url));

test.each(PROFILES)("profile %s with S3: packages are installed from the bucket", async (_, makeConfig) => {
  await using bucket = await S3Stub.start();
  await using folder = await createTempDir();
  const artifacts = s3Blobs(bucket.options);
  const store = await openStore({ ...(await makeConfig()), artifacts });
  const plan = await readPlan(WEBSITE);
  const target = folder.file("target");
  expect(await applyPlan(store, plan, { target, actor: "ada" })).toMatchObject({ changed: 12, failed: 0 });
  const page = await readFile(`${target}/srv/www/index.html`);
  const keys = [];
  for await (const { key, size } of artifacts.list({ prefix: "packages/" })) keys.push([key, size]);
  expect(keys).toHaveLength(4);
  expect(keys).toContainEqual([expect.stringMatching(/^packages\/site\/[0-9a-f]{64}$/), page.length]);
  expect(await applyPlan(store, plan, { target, actor: "ada" })).toMatchObject({ changed: 0 });
});

test("main.ts takes the profile and the bucket from its arguments", async () => {
  await using bucket = await S3Stub.start();
  await using folder = await createTempDir();
  const { endpoint, bucket: name, region } = bucket.options;
  const env = {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: region ?? "",
  };
  const args = ["--db", folder.file("openfroyo.db"), "--artifacts", `${endpoint}/${name}`];
  const { exitCode, stdout } = await runExample("openfroyo/main.ts", { args, env });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringContaining("Run: 12 changes, 0 unchanged"),
  });
  expect(bucket.requests.filter(({ method }) => method === "PUT").length).toBeGreaterThan(3);

  const server = ["--url", "postgresql://primary/db", "--replica", "postgresql://standby/db"];
  expect(configOf(parseArguments(server), folder.path)).toEqual({ url: server[1], replica: server[3] });
});

test.each([
  [["--artifacts", "https://s3.example.com"], "--artifacts must be https://<service>/<bucket>"],
  [["--artifacts", "https://s3.example.com/packages"], "--artifacts needs AWS_ACCESS_KEY_ID"],
  [["--replica", "postgresql://standby/db"], "--replica is one of the --url"],
])("a profile that makes no sense is refused: %s", (args, message) => {
  expect(() => configOf(parseArguments(args), "data")).toThrow(message);
});

test.each(PROFILES.filter(([name]) => name === "cluster"))(
  "profile %s: the log cannot be emptied",
  async (_, makeConfig) => {
    const store = await openStoreWithRun(await makeConfig());
    await store.appendEvent({ runId: "run-001", level: "error", message: "It failed" });
    await store.createAuditEntry({ action: "run.created", actor: "system" });
    for (const statement of [sql`TRUNCATE events`, sql`TRUNCATE audit`, sql`TRUNCATE runs CASCADE`]) {
      const emptied = store.withTx((tx) => tx.sql.run(statement));
      await expect(emptied).rejects.toMatchObject({ cause: { message: expect.stringContaining("append-only") } });
    }
    expect(await store.listEvents()).toHaveLength(1);
    expect(await store.listAuditEntries()).toHaveLength(1);
  },
);

if (NO_STANDBY === null) {
  test("with a replica, events are read from it, and what was just written is seen", { timeout: 120_000 }, async () => {
    await using primary = await PostgresServer.start();
    await using standby = await PostgresServer.startStandby(primary);
    const store = await openStore({ url: primary.url(), replica: standby.url(), ...ownSchemas() });
    onTestFinished(() => store.close());
    for (let n = 1; n <= 5; n += 1) {
      await store.appendEvent({ level: "info", message: `${n}` });
      expect(await store.metrics()).toContain(`openfroyo_store_position ${n}\n`);
    }
    expect(await store.listEvents()).toHaveLength(5);
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    const { rows } = await standby.query(
      "SELECT count(*)::int AS readers FROM pg_stat_activity WHERE query LIKE '%es_%'",
    );
    expect(rows[0].readers).toBeGreaterThan(1);
    await store.close();
  });
}
