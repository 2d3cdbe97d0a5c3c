import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { type PostgresOptions, postgresStreamFactory } from "../../../postgres.js";
import { copyStore } from "../../../src/copy/index.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { readVersions } from "../../support/read-versions.js";

const server = sharedServer(THROWAWAY);

/** A store with ten events in a stream, of which one was changed behind the library's back. */
async function openDamaged(change: string) {
  const started = await server();
  const schemas = ownSchemas();
  const streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
  const stream = await streams.openStream("a");
  await stream.write(
    Array.from({ length: 10 }, (_, data) => ({ type: "Counted", data: { data }, metadata: { data } })),
  );
  const events = `${schemas.schema}.es_events`;
  await started.query(`ALTER TABLE ${events} DISABLE TRIGGER USER, DROP CONSTRAINT es_events_check;
    UPDATE ${events} SET ${change} WHERE version = 4`);
  const dispose = () => streams[Symbol.asyncDispose]();
  const reopen = (options: PostgresOptions) => postgresStreamFactory(started.url(), { ...schemas, ...options });
  return { streams, stream, reopen, all: await streams.openStream("@all"), [Symbol.asyncDispose]: dispose };
}

const COLUMNS = [["data"], ["metadata"]] as const;

const DAMAGE = { code: "STORAGE_CORRUPT", streamId: "a", version: 4, position: 4 };

describe.skipIf(NO_POSTGRES !== null)("over PostgreSQL, an event whose content is no JSON", () => {
  test.each(COLUMNS)("ends a read with its place, behind everything before it: %s", async (column) => {
    await using damaged = await openDamaged(`${column} = '{"a":'`);
    const { stream } = damaged;

    const forward = await readVersions(stream);
    expect(forward.versions).toEqual([1, 2, 3]);
    expect(forward.error).toMatchObject({
      ...DAMAGE,
      message: expect.stringMatching(/version 4 of stream "a" in postgresql:\S+ \(position 4\).*with after: 4/),
    });
    expect(await readVersions(stream, { after: 4 })).toEqual({ versions: [5, 6, 7, 8, 9, 10] });
    const backward = await readVersions(stream, { direction: "backward" });
    expect(backward.versions).toEqual([10, 9, 8, 7, 6, 5]);
    expect(backward.error).toMatchObject({ message: expect.stringMatching(/with upTo: 3/) });
    expect(await readVersions(stream, { direction: "backward", upTo: 3 })).toEqual({ versions: [3, 2, 1] });
    const all = await readVersions(damaged.all);
    expect(all.versions).toEqual([1, 2, 3]);
    expect(all.error).toMatchObject({ code: "STORAGE_CORRUPT", streamId: "a", position: 4 });
  });

  test("ends a read and a copy where it has lost its content, and is found by verify", async () => {
    await using damaged = await openDamaged("data = NULL");
    for (const stream of [damaged.stream, damaged.all]) {
      expect(await readVersions(stream)).toMatchObject({ versions: [1, 2, 3], error: DAMAGE });
      expect(await readVersions(stream, { after: 4 })).toEqual({ versions: [5, 6, 7, 8, 9, 10] });
    }
    await using to = memoryStreamFactory();
    await expect(copyStore(damaged.streams, to)).rejects.toMatchObject(DAMAGE);
    expect(await damaged.streams.verify()).toMatchObject({
      problems: [{ kind: "checksum", streamId: "a", version: 4, position: 4 }],
    });
  });

  test.each(COLUMNS)("is named by an opening that cannot index it: %s", async (column) => {
    await using damaged = await openDamaged(`${column} = '{"a":'`);
    const options = { durability: "normal", indexes: [`${column}.data`] } as const;
    await expect(damaged.reopen(options)).rejects.toMatchObject({
      ...DAMAGE,
      message: expect.stringMatching(
        /index in postgresql:\S+: the data or metadata of version 4 of stream "a".*create: false/,
      ),
    });
    await using streams = await damaged.reopen({ ...options, create: false });
    expect(await readVersions(await streams.openStream("a"))).toMatchObject({ versions: [1, 2, 3], error: DAMAGE });
  });

  test.each(COLUMNS)("is not passed over by a filter that looks into it: %s", async (column) => {
    await using damaged = await openDamaged(`${column} = '{"a":'`);
    const filter = [{ field: `${column}.data`, op: ">=", value: 1 }] as const;
    for (const stream of [damaged.stream, damaged.all]) {
      const forward = await readVersions(stream, { filter });
      expect(forward).toMatchObject({ versions: [2, 3], error: DAMAGE });
      expect(await readVersions(stream, { filter, after: 4 })).toEqual({ versions: [5, 6, 7, 8, 9, 10] });
      expect(await readVersions(stream, { filter, upTo: 3 })).toEqual({ versions: [2, 3] });
      const backward = await readVersions(stream, { filter, direction: "backward" });
      expect(backward).toMatchObject({ versions: [10, 9, 8, 7, 6, 5], error: DAMAGE });
    }
  });

  test.each(COLUMNS)("ends a filtered read in a transaction, which goes on up to it: %s", async (column) => {
    await using damaged = await openDamaged(`${column} = '{"a":'`);
    const filter = [{ field: `${column}.data`, op: ">=", value: 1 }] as const;
    const found = await damaged.streams.transaction(async (tx) => {
      await tx.write("b", { type: "Counted", data: { data: 11 }, metadata: { data: 11 } });
      const versions: number[] = [];
      for await (const { version } of tx.read("a", { filter, limit: 2 })) versions.push(version);
      for await (const { version } of tx.read("a", { filter, after: 4 })) versions.push(version);
      for await (const { version } of tx.read("b", { filter })) versions.push(version);
      return versions;
    });
    expect(found).toEqual([2, 3, 5, 6, 7, 8, 9, 10, 1]);
    expect((await readVersions(await damaged.streams.openStream("b"))).versions).toEqual([1]);

    const reading = damaged.streams.transaction(async (tx) => {
      await tx.write("c", { type: "Counted", data: 1 });
      for await (const _ of tx.read("a", { filter }));
    });
    await expect(reading).rejects.toMatchObject(DAMAGE);
    expect((await readVersions(await damaged.streams.openStream("c"))).versions).toEqual([]);
  });
});
