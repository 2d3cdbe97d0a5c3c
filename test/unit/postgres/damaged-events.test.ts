import { describe, expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { readVersions } from "../../support/read-versions.js";

const server = sharedServer(THROWAWAY);

describe.skipIf(NO_POSTGRES !== null)("over PostgreSQL, an event whose content is no JSON", () => {
  test.each([["data"], ["metadata"]])("ends a read with its place, behind everything before it: %s", async (column) => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 10 }, (_, data) => ({ type: "Counted", data, metadata: { data } })));
    await started.query(`ALTER TABLE ${schemas.schema}.es_events DISABLE TRIGGER USER;
      UPDATE ${schemas.schema}.es_events SET ${column} = '{"a":' WHERE version = 4`);

    const forward = await readVersions(stream);
    expect(forward.versions).toEqual([1, 2, 3]);
    expect(forward.error).toMatchObject({
      code: "STORAGE_CORRUPT",
      ...{ streamId: "a", version: 4, position: 4 },
      message: expect.stringMatching(/version 4 of stream "a" in postgresql:\S+ \(position 4\).*with after: 4/),
    });
    expect(await readVersions(stream, { after: 4 })).toEqual({ versions: [5, 6, 7, 8, 9, 10] });
    const backward = await readVersions(stream, { direction: "backward" });
    expect(backward.versions).toEqual([10, 9, 8, 7, 6, 5]);
    expect(backward.error).toMatchObject({ message: expect.stringMatching(/with upTo: 3/) });
    expect(await readVersions(stream, { direction: "backward", upTo: 3 })).toEqual({ versions: [3, 2, 1] });
    const all = await readVersions(await streams.openStream("@all"));
    expect(all.versions).toEqual([1, 2, 3]);
    expect(all.error).toMatchObject({ code: "STORAGE_CORRUPT", streamId: "a", position: 4 });
  });
});
