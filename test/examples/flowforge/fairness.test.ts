import { EventEmitter } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { connectWindowDb, createDbContext, registerIpc } from "../../../examples/flowforge/index.js";
import type { WindowDb } from "../../../examples/flowforge/ipc/connect-window-db.js";
import type { IpcPort } from "../../../examples/flowforge/ipc/port.js";
import type { DbContext } from "../../../examples/flowforge/ports.js";
import { createTempDir } from "../../support/temp-dir.js";
import { describeBackends, withDb } from "./support/backends.js";

vi.mock("../../../examples/flowforge/child-program.js", () => import("./support/compiled-child-program.js"));

const ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
const MIB = 1024 * 1024;

/** A window in this process. */
function openWindow(db: DbContext): WindowDb & Disposable {
  const { port1, port2 } = new MessageChannel();
  registerIpc(port1, db);
  return Object.assign(connectWindowDb(port2), { [Symbol.dispose]: () => port1.close() });
}

/** The channel of a window that reads its answers when it is told to. */
class SlowWindow extends EventEmitter {
  readonly sent: { id: number; result?: unknown; error?: { code: string } }[] = [];
  readonly #unread: (() => void)[] = [];

  send(message: never, onSent: () => void): boolean {
    this.sent.push(message);
    this.#unread.push(onSent);
    return false;
  }

  readOne(): void {
    this.#unread.shift()?.();
  }

  call(id: number): void {
    this.emit("message", { id, method: "latestSnapshot", args: { aggregateId: "x" } });
  }
}

describeBackends("a window among others", (backend) => {
  test("waits for one call of each other window at most", async () => {
    await using folder = await createTempDir();
    const windowQueryLimits = { timeMs: 200 };
    const db = await createDbContext({ path: folder.file("f.db"), backend, windowQueryLimits });
    using greedy = openWindow(db);
    using other = openWindow(db);
    await other.queryProjection({ sql: "SELECT 1 AS one" });
    let ended = 0;
    const endless = Array.from({ length: 6 }, () =>
      greedy.queryProjection({ sql: ENDLESS }).catch(() => {
        ended += 1;
      }),
    );
    expect(await other.queryProjection({ sql: "SELECT 1 AS one" })).toEqual([{ one: 1 }]);
    expect(ended).toBeLessThanOrEqual(1);
    await Promise.all(endless);
    await db.close();
  });

  test("gets large events in answers of 8 MiB and one event at most, one after the other", () =>
    withDb(backend, async (db) => {
      const aggregateId = "test:large";
      const payload = { text: "x".repeat(MIB - 1_000) };
      for (let at = 0; at < 20; at += 1) await db.eventStore.append({ aggregateId, eventType: "Large", payload });
      using window = openWindow(db);
      const seqs: number[][] = [];
      for (let afterSeq = 0; ; afterSeq = seqs.at(-1)?.at(-1) ?? 0) {
        const events = await window.loadEvents({ aggregateId, afterSeq });
        if (events.length === 0) break;
        expect(JSON.stringify(events).length).toBeLessThan(9.1 * MIB);
        seqs.push(events.map(({ seq }) => seq));
      }
      expect(seqs.flat()).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    }));

  test("that does not read its answers gets no more of them, and is cut off at last", () =>
    withDb(backend, async (db) => {
      const window = new SlowWindow();
      registerIpc(window as IpcPort, db);
      window.call(1);
      window.call(2);
      await expect.poll(() => window.sent.map(({ id }) => id)).toEqual([1]);
      window.readOne();
      await expect.poll(() => window.sent.map(({ id }) => id)).toEqual([1, 2]);
      for (let id = 3; id <= 70_000; id += 1) window.call(id);
      expect(window.listenerCount("message")).toBe(0);
      expect(window.sent.length).toBeLessThanOrEqual(65_536);
      expect(window.sent.at(-1)).toMatchObject({ error: { code: "BUSY" } });
    }));
});
