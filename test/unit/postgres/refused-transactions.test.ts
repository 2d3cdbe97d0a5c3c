import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { type Projection, runProjections } from "../../../src/projections/index.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const PROJECTION: Projection = { name: "p", project: async () => undefined };

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test("writes whose transaction is refused as it begins say what each of them was", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    await using runner = await runProjections(streams, [PROJECTION], { mode: "inline" });
    await expect.poll(() => runner.status()[0]?.state).toBe("live");
    await using a = await streams.openStream("a");
    await using b = await streams.openStream("b");
    await started.query(`ALTER TABLE ${schemas.schema}.es_store RENAME TO gone`);
    const event = { type: "T", data: 1 };

    const outcomes = await Promise.allSettled([
      a.write(event),
      b.write(event),
      streams.writeAll([
        { streamId: "c", events: event },
        { streamId: "d", events: event },
      ]),
      streams.transaction((tx) => tx.write("e", event)),
    ]);
    await started.query(`ALTER TABLE ${schemas.schema}.gone RENAME TO es_store`);

    const messages = outcomes.map((outcome) => outcome.status === "rejected" && (outcome.reason as Error).message);
    expect(messages).toEqual(
      ['write to stream "a"', 'write to stream "b"', 'write to stream "c" and 1 other', "run a transaction"].map(
        (attempt) => expect.stringMatching(new RegExp(`^Cannot ${attempt} in `)),
      ),
    );
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
