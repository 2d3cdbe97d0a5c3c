/**
 * Optimistic concurrency and idempotency at work: 20 transfers run at once over 4 accounts, and every third answer of
 * the store gets lost on the way. No cent appears or disappears.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStreamError, type Stream, type StreamFactory, sqliteStreamFactory, type WriteResult } from "async-streams";

const ACCOUNT_IDS = ["account-ann", "account-bob", "account-cleo", "account-dan"];
const OPENING_BALANCE = 100;
const TRANSFER_COUNT = 20;
// Each attempt that fails means that another writer got through, and no stream takes more than one event a transfer.
const MAX_ATTEMPTS = TRANSFER_COUNT + 1;

type AccountEvent =
  | { type: "Opened"; data: { balance: number } }
  | { type: "Withdrawn"; data: { amount: number } }
  | { type: "Deposited"; data: { amount: number } };

interface Account {
  readonly balance: number;
  readonly version: number;
}

/** What one event changes. Pure, so that history always folds to the same state. */
function evolve(balance: number, event: AccountEvent): number {
  switch (event.type) {
    case "Opened":
      return event.data.balance;
    case "Withdrawn":
      return balance - event.data.amount;
    case "Deposited":
      return balance + event.data.amount;
  }
}

/** What a command makes of a state: the event to store, or null when it is refused. Pure as well. */
type Decide = (account: Account) => AccountEvent | null;

const withdraw =
  (amount: number): Decide =>
  (account) =>
    account.balance < amount ? null : { type: "Withdrawn", data: { amount } };

const deposit =
  (amount: number): Decide =>
  () => ({ type: "Deposited", data: { amount } });

async function load(stream: Stream<AccountEvent>): Promise<Account> {
  let balance = 0;
  let version = 0;
  for await (const event of stream.read()) {
    balance = evolve(balance, event);
    version = event.version;
  }
  return { balance, version };
}

const counts = { conflicts: 0, lostAnswers: 0, repeatsThatWroteNothing: 0 };

/** Loads, decides and writes, until no other writer comes in between. Returns whether the command was accepted. */
async function execute(streams: StreamFactory, accountId: string, decide: Decide, key: string): Promise<boolean> {
  await using stream = await streams.openStream<AccountEvent>(accountId);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const account = await load(stream);
    const event = decide(account);
    if (event === null) return false;
    try {
      await writeSafely(stream, { ...event, idempotencyKey: key }, account.version);
      return true;
    } catch (error) {
      if (!isStreamError(error, "CONCURRENCY_CONFLICT")) throw error;
      counts.conflicts += 1;
    }
  }
  throw new Error(`${key} on ${accountId} lost the race ${MAX_ATTEMPTS} times`);
}

/** Without an answer the event may be stored or not. Its key makes it safe to send it again, word for word. */
async function writeSafely(
  stream: Stream<AccountEvent>,
  event: AccountEvent & { idempotencyKey: string },
  expectedVersion: number,
): Promise<void> {
  try {
    await withBadNetwork(() => stream.write(event, { expectedVersion }));
  } catch (error) {
    if (!(error instanceof AnswerLost)) throw error;
    counts.lostAnswers += 1;
    const { written } = await stream.write(event, { expectedVersion });
    if (written === 0) counts.repeatsThatWroteNothing += 1;
  }
}

class AnswerLost extends Error {
  override readonly name = "AnswerLost";
}

let answerCount = 0;

/** Lets every third write succeed without its caller learning of it. */
async function withBadNetwork(write: () => Promise<WriteResult>): Promise<WriteResult> {
  const result = await write();
  answerCount += 1;
  if (answerCount % 3 === 0) throw new AnswerLost("The connection was reset");
  return result;
}

/** Takes the money first and hands it over next. Both steps carry the transfer's key, so either can be repeated. */
async function transfer(streams: StreamFactory, index: number): Promise<boolean> {
  const from = ACCOUNT_IDS[index % ACCOUNT_IDS.length] as string;
  const to = ACCOUNT_IDS[(index + 1 + (index % 3)) % ACCOUNT_IDS.length] as string;
  const amount = 15 + index;
  const key = `transfer-${index}`;
  if (!(await execute(streams, from, withdraw(amount), `${key}-out`))) return false;
  return execute(streams, to, deposit(amount), `${key}-in`);
}

async function main(databasePath: string): Promise<void> {
  await using streams = await sqliteStreamFactory(databasePath);
  for (const accountId of ACCOUNT_IDS) {
    await using stream = await streams.openStream<AccountEvent>(accountId);
    await stream.write({ type: "Opened", data: { balance: OPENING_BALANCE } }, { expectedVersion: 0 });
  }

  const outcomes = await Promise.all(Array.from({ length: TRANSFER_COUNT }, (_, index) => transfer(streams, index)));
  const completed = outcomes.filter(Boolean).length;
  console.log(`${completed} transfers completed, ${TRANSFER_COUNT - completed} refused for lack of money`);
  console.log(`${counts.conflicts} conflicts, each decided again on fresh state`);
  console.log(`${counts.lostAnswers} lost answers, ${counts.repeatsThatWroteNothing} repeats that wrote nothing`);

  let total = 0;
  let eventCount = 0;
  for (const accountId of ACCOUNT_IDS) {
    await using stream = await streams.openStream<AccountEvent>(accountId);
    const account = await load(stream);
    assert.ok(account.balance >= 0, `${accountId} is overdrawn`);
    console.log(`${accountId.padEnd(14)}${String(account.balance).padStart(4)}`);
    total += account.balance;
    eventCount += account.version;
  }
  assert.equal(total, ACCOUNT_IDS.length * OPENING_BALANCE, "money appeared or disappeared");
  assert.equal(eventCount, ACCOUNT_IDS.length + 2 * completed, "an event was stored twice or not at all");
  assert.equal(counts.repeatsThatWroteNothing, counts.lostAnswers, "a repeat stored an event again");
  console.log(`Sum of all accounts: ${total}, as at the start`);
}

const folder = await mkdtemp(join(tmpdir(), "bank-account-"));
try {
  await main(join(folder, "bank.db"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
