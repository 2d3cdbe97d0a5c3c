import { describe, expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { sharedServer } from "../../support/postgres-stores.js";
import { readVersions } from "../../support/read-versions.js";

const server = sharedServer(THROWAWAY);

describe.skipIf(NO_POSTGRES !== null)("over PostgreSQL, a schema may have any name", () => {
  test.each([
    ["what?"],
    ["a$$b"],
    ["$1"],
    ["$do$"],
    ['say "hello"'],
    ["it's"],
    ["back\\slash"],
    ["a.b"],
    ["SELECT"],
    ["\u6f22\u5b57"],
  ])("such as %j", async (schema) => {
    const options = { schema, applicationSchema: `${schema} tables`, durability: "normal" } as const;
    await using streams = await postgresStreamFactory((await server()).url(), options);
    await using stream = await streams.openStream("a");
    await stream.write([1, 2, 3].map((data) => ({ type: "Counted", data: { data } })));
    const filter = [{ field: "data.data", op: ">", value: 1 }] as const;
    expect(await readVersions(stream, { filter })).toEqual({ versions: [2, 3] });
    await streams.pruneStream("a", { before: 2 });
    expect((await streams.verify()).problems).toEqual([]);

    await using again = await postgresStreamFactory((await server()).url(), { ...options, create: false });
    expect(await again.describeStream("a")).toMatchObject({ version: 3, firstVersion: 2 });
  });
});

test.skipIf(NO_POSTGRES !== null)("a field with a question mark may have an index, over PostgreSQL", async () => {
  const indexes = ["data.sure?"] as const;
  const options = { schema: "asking", applicationSchema: "asked", durability: "normal", indexes } as const;
  await using streams = await postgresStreamFactory((await server()).url(), options);
  await using stream = await streams.openStream("a");
  await stream.write([true, false, true].map((sure) => ({ type: "Asked", data: { "sure?": sure } })));
  const filter = [{ field: "data.sure?", op: "=", value: true }] as const;
  expect(await readVersions(stream, { filter })).toEqual({ versions: [1, 3] });
});
