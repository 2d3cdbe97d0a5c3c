import { expect, test } from "vitest";
import { openPostgresBackend } from "../../../adapters/postgres/postgres-stream-factory.js";
import type { EventFilter } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { collect } from "../../conformance/support/collect.js";
import { overriding } from "../../support/overriding.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

// More than one page looks through.
const EVENTS = 40_000;

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test("a filter by id finds an event of a long stream by its key with one page", async () => {
    const backend = await openPostgresBackend((await server()).url(), { ...ownSchemas(), durability: "normal" });
    const { storage } = backend;
    let pages = 0;
    const readPage: typeof storage.readPage = (query) => {
      pages += 1;
      return storage.readPage(query);
    };
    await using streams = createStreamFactory({ ...backend, storage: overriding(storage, { readPage }) });
    const stream = await streams.openStream("a");
    await stream.write(
      Array.from({ length: EVENTS }, (_, index) => ({ type: "T", data: index, idempotencyKey: `key-${index}` })),
    );
    const found = async (filter: EventFilter, direction: "forward" | "backward") => {
      pages = 0;
      const events = await collect(stream.read({ filter, direction }));
      return { versions: events.map(({ version }) => version), pages };
    };

    for (const direction of ["forward", "backward"] as const) {
      const last = { field: "id", op: "=", value: `key-${EVENTS - 1}` } as const;
      expect(await found([last], direction)).toEqual({ versions: [EVENTS], pages: 1 });
      const several = { field: "id", op: "in", value: ["key-0", "another"] } as const;
      expect(await found([several], direction)).toEqual({ versions: [1], pages: 1 });
      expect(await found([last, { field: "type", op: "=", value: "U" }], direction)).toEqual({
        versions: [],
        pages: 1,
      });
    }
    // A made id is in no index.
    const [first] = await collect(stream.read({ limit: 1 }));
    await stream.write({ type: "T", data: null });
    const [made] = await collect(stream.read({ after: EVENTS }));
    const ids = [first?.id ?? "", made?.id ?? ""];
    expect((await found([{ field: "id", op: "in", value: ids }], "forward")).versions).toEqual([1, EVENTS + 1]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
