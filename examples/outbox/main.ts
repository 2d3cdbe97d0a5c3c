/**
 * An outbox that sends each mail once. Orders are stored, and a process of its own sends the mails. It is killed in the
 * middle and started again, and the mail service fails now and then.
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sqliteStreamFactory } from "async-streams";
import { MailService } from "./mail-service.js";
import type { ShopEvent } from "./shop-event.js";

const ORDERS = 60;
/** So many mails are sent when the process is killed. */
const SENT_AT_KILL = 20;

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

async function startWorker(path: string, sinkURL: string): Promise<ChildProcess> {
  const worker = fork(WORKER, [path, sinkURL]);
  const [message] = await once(worker, "message");
  assert.equal(message, "running");
  return worker;
}

async function main(path: string): Promise<void> {
  await using service = new MailService();
  const sinkURL = await service.listen();
  await using streams = await sqliteStreamFactory(path);
  for (let number = 1; number <= ORDERS; number += 1) {
    await using order = await streams.openStream<ShopEvent>(`order-${number}`);
    await order.write({ type: "Ordered", data: { email: `customer-${number}@example.org`, product: "lamp" } });
    if (number % 10 === 0) await order.write({ type: "Cancelled", data: { email: `customer-${number}@example.org` } });
  }

  const first = await startWorker(path, sinkURL);
  await service.whenSent(SENT_AT_KILL);
  first.kill("SIGKILL");
  await once(first, "exit");
  console.log("The process was killed in the middle");

  const second = await startWorker(path, sinkURL);
  await service.whenSent(ORDERS);
  second.disconnect();
  const [exitCode] = await once(second, "exit");
  assert.equal(exitCode, 0, "the second process did not stop in good order");

  assert.equal(new Set(service.sent).size, ORDERS, "a mail is missing");
  assert.equal(service.sent.length, ORDERS, "a mail was sent twice");
  console.log(`${service.sent.length} mails were sent, each of them once`);
  console.log(`${service.repeated} requests came again, and the service knew their mails`);
}

const folder = await mkdtemp(join(tmpdir(), "outbox-"));
try {
  await main(join(folder, "shop.db"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
