import { Client } from "pg";
import { expect, test } from "vitest";
import { openPostgresBackend } from "../../../adapters/postgres/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** Notices by polling alone what takes as long. */
const NEVER_MS = 600_000;

async function write(streams: StreamFactory, streamId: string, data: number): Promise<void> {
  await using stream = await streams.openStream(streamId);
  await stream.write({ type: "Written", data });
}

if (NO_POSTGRES === null) {
  const server = sharedServer({ max_prepared_transactions: "2" });

  test("transactions that others hold open keep no event from a follower of the store", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, schemas);
    await write(streams, "a", 0);
    const holder = new Client(url);
    await holder.connect();
    try {
      // It has an id and a snapshot, and another one is prepared and forgotten.
      await holder.query("CREATE TABLE held (n int)");
      await holder.query("BEGIN; INSERT INTO held VALUES (1); PREPARE TRANSACTION 'forgotten'");
      await holder.query(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_xact_id(); SELECT count(*) FROM held",
      );
      await using all = await streams.openStream(ALL_STREAM);
      const followed: number[] = [];
      const following = all.watch({ after: 0 }).subscribe(({ position }) => followed.push(position));
      for (const number of wholeNumbers(1, 20)) await write(streams, `s${number % 3}`, number);

      await expect.poll(() => followed).toEqual(wholeNumbers(1, 21));
      following.unsubscribe();
    } finally {
      await holder.query("ROLLBACK");
      await holder.query("ROLLBACK PREPARED 'forgotten'");
      await holder.end();
    }
  });

  test("a default isolation of the role's changes nothing for racing writers", async () => {
    const started = await server();
    const url = started.url();
    const schemas = ownSchemas();
    await started.query("ALTER ROLE postgres SET default_transaction_isolation TO 'repeatable read'");
    const factories = await Promise.all(wholeNumbers(1, 4).map(() => postgresStreamFactory(url, schemas)));
    try {
      await Promise.all(
        factories.flatMap((streams) => wholeNumbers(1, 25).map((number) => write(streams, "one", number))),
      );
      const events = await eventsOf(await (factories[0] as StreamFactory).openStream("one"));
      expect(events.map(({ version }) => version)).toEqual(wholeNumbers(1, 100));
      expect(events.map(({ position }) => position)).toEqual(wholeNumbers(1, 100));
    } finally {
      await Promise.all(factories.map((streams) => streams[Symbol.asyncDispose]()));
      await started.query("ALTER ROLE postgres RESET default_transaction_isolation");
    }
  });

  test("a listener that lost its connection hears of what was written meanwhile, without another write", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const options = { ...schemas, pollIntervalMs: NEVER_MS };
    await using watching = await postgresStreamFactory(started.url(), options);
    await using writing = await postgresStreamFactory(started.url(), options);
    await using stream = await watching.openStream("a");
    const heard: unknown[] = [];
    const subscription = stream.watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
    await write(writing, "a", 1);
    await expect.poll(() => heard).toEqual([1]);
    await started.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN es_%'");
    await write(writing, "a", 2);

    await expect.poll(() => heard).toEqual([1, 2]);
    subscription.unsubscribe();
  });

  test("a list of records that loses its connection is read again", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const { storage, notifier } = await openPostgresBackend(started.url(), schemas);
    await notifier[Symbol.asyncDispose]();
    await using _ = storage;
    await storage.transact(({ records }) => records.put("s", "k", {}), {});
    const holder = new Client(started.url());
    await holder.connect();
    await holder.query(`BEGIN; LOCK TABLE ${schemas.schema}.es_records`);
    const listing = storage.listRecords("s", {});
    const end =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%es_records%'";
    await expect.poll(async () => (await started.query(end)).rows).toHaveLength(1);
    await holder.query("COMMIT");
    await holder.end();

    expect(await listing).toMatchObject([{ key: "k" }]);
  });

  test("what others have removed of what was seen is not taken for lost", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), schemas);
    await using other = await postgresStreamFactory(started.url(), schemas);
    const reconnect = () =>
      started.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'async-streams'");
    for (const number of wholeNumbers(1, 3)) await write(streams, "a", number);
    for (const number of wholeNumbers(4, 6)) await write(other, "a", number);
    await other.pruneStream("a", { before: 5 });
    await reconnect();
    const events = await eventsOf(await streams.openStream(ALL_STREAM));
    expect(events.map(({ data }) => data)).toEqual([5, 6]);

    await other.deleteStream("a");
    await reconnect();
    await write(streams, "b", 7);
    expect((await eventsOf(await streams.openStream("b"))).map(({ data }) => data)).toEqual([7]);
  });

  test("without notifications, polling finds what other processes write", async () => {
    const url = (await server()).url();
    const options = { ...ownSchemas(), notify: false, pollIntervalMs: 20 };
    await using watching = await postgresStreamFactory(url, options);
    await using writing = await postgresStreamFactory(url, options);
    await using stream = await watching.openStream("a");
    const heard: unknown[] = [];
    const subscription = stream.watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
    await write(writing, "a", 1);

    await expect.poll(() => heard).toEqual([1]);
    subscription.unsubscribe();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
