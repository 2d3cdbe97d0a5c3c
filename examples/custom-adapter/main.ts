/** A store of one's own: the same streams, over a file that a text editor can open. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStreamError } from "async-streams";
import { firstValueFrom, take, toArray } from "rxjs";
import { jsonLinesStreamFactory } from "./json-lines-stream-factory.js";

type DoorEvent = { type: "Opened"; data: { by: string } } | { type: "Closed"; data: { by: string } };

async function writeAndWatch(path: string): Promise<void> {
  await using streams = await jsonLinesStreamFactory(path);
  await using door = await streams.openStream<DoorEvent>("door-1");
  const live = firstValueFrom(door.watch().pipe(take(2), toArray()));

  const opened: DoorEvent = { type: "Opened", data: { by: "Ann" } };
  await door.write({ ...opened, idempotencyKey: "ann-1" }, { expectedVersion: 0 });
  const repeat = await door.write({ ...opened, idempotencyKey: "ann-1" }, { expectedVersion: 0 });
  console.log(`A repeated write stored ${repeat.written} events`);

  try {
    await door.write({ type: "Closed", data: { by: "Bob" } }, { expectedVersion: 0 });
  } catch (error) {
    if (!isStreamError(error, "CONCURRENCY_CONFLICT")) throw error;
    console.log("A write that was decided on old state was refused");
  }

  await door.write({ type: "Closed", data: { by: "Ann" } });
  await door.snapshot({ open: false });
  console.log(`Watched live: ${(await live).map((event) => event.type).join(", ")}`);
}

async function readAgain(path: string): Promise<void> {
  await using streams = await jsonLinesStreamFactory(path);
  await using door = await streams.openStream<DoorEvent>("door-1");
  for await (const event of door.read()) {
    console.log(`#${event.version} ${event.type} by ${event.data.by}`);
  }
  const snapshot = await door.loadSnapshot();
  console.log(`Snapshot of version ${snapshot?.version}: ${JSON.stringify(snapshot?.state)}`);
}

const folder = await mkdtemp(join(tmpdir(), "custom-adapter-"));
try {
  const path = join(folder, "doors.jsonl");
  await writeAndWatch(path);
  await readAgain(path);
  const [firstLine] = (await readFile(path, "utf8")).split("\n");
  console.log(`The file's first line: ${firstLine}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
