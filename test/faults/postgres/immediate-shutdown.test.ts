import { expect, test, vi } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { AnswerProxy } from "../support/answer-proxy.js";

vi.setConfig({ testTimeout: 120_000 });

if (NO_POSTGRES === null) {
  test("a write that was answered is acknowledged, although the server says with it that it ends all sessions", async () => {
    await using server = await PostgresServer.start();
    await using proxy = await AnswerProxy.start(server.port);
    const settings = { connectTimeoutMs: 200, commandTimeoutMs: 10_000 };
    const streams = await postgresStreamFactory(proxy.url, settings);
    await using stream = await streams.openStream("a");
    await stream.write({ type: "Written", data: 1 });

    proxy.holdUntilEnd();
    const writing = stream.write({ type: "Written", data: 2 });
    writing.catch(() => undefined);
    const count = "SELECT count(*)::int AS count FROM async_streams.es_events";
    await expect.poll(async () => (await server.query(count)).rows).toEqual([{ count: 2 }]);
    await server.shutDownAtOnce();

    expect(await writing).toMatchObject({ version: 2 });
    await streams[Symbol.asyncDispose]();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
