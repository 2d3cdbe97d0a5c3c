/**
 * Commands at work: 20 transfers run at once over 4 accounts, and every third answer of the store gets lost on the way. No cent
 * appears or disappears.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StreamFactory, sqliteStreamFactory, type WriteResult } from "async-streams";
import { type Fold, handle, loadState, stateCache } from "async-streams/commands";

const ACCOUNT_IDS = ["account-ann", "account-bob", "account-cleo", "account-dan"];
const OPENING_BALANCE = 100;
const TRANSFER_COUNT = 20;

type AccountEvent =
  | { type: "Opened"; data: { balance: number } }
  | { type: "Withdrawn"; data: { amount: number } }
  | { type: "Deposited"; data: { amount: number } };

/** The state of an account is its balance. */
const account: Fold<number, AccountEvent> = {
  name: "account",
  initial: () => 0,
  evolve: (balance, event) => {
    switch (event.type) {
      case "Opened":
        return event.data.balance;
      case "Withdrawn":
        return balance - event.data.amount;
      case "Deposited":
        return balance + event.data.amount;
    }
  },
};

/** What a command makes of a balance: the events to store, none when it is refused. Pure, since it may be asked again. */
type Decide = (balance: number) => readonly AccountEvent[];

const withdraw =
  (amount: number): Decide =>
  (balance) =>
    balance < amount ? [] : [{ type: "Withdrawn", data: { amount } }];

const deposit =
  (amount: number): Decide =>
  () => [{ type: "Deposited", data: { amount } }];

const cache = stateCache();
const counts = { commands: 0, decisions: 0, answers: 0, lostAnswers: 0, repeatsThatWroteNothing: 0 };

/** Returns whether the command was accepted. */
async function execute(streams: StreamFactory, accountId: string, decide: Decide, commandId: string): Promise<boolean> {
  const send = () => {
    const decideAndCount: Decide = (balance) => {
      counts.decisions += 1;
      return decide(balance);
    };
    return handle(streams, account, accountId, decideAndCount, { commandId, cache });
  };
  counts.commands += 1;
  try {
    return (await withBadNetwork(send)).events.length > 0;
  } catch (error) {
    if (!(error instanceof AnswerLost)) throw error;
    // It may be stored or not. Its id makes it safe to send it again.
    counts.lostAnswers += 1;
    const { written, events } = await send();
    if (written === 0) counts.repeatsThatWroteNothing += 1;
    return events.length > 0;
  }
}

class AnswerLost extends Error {
  override readonly name = "AnswerLost";
}

/** Lets every third command be stored without its sender learning of it. */
async function withBadNetwork<Result extends WriteResult>(send: () => Promise<Result>): Promise<Result> {
  const result = await send();
  if (result.written > 0) counts.answers += 1;
  if (result.written > 0 && counts.answers % 3 === 0) throw new AnswerLost("The connection was reset");
  return result;
}

/** Takes the money first and hands it over next. Both steps have the transfer's id, so either can be repeated. */
async function transfer(streams: StreamFactory, index: number): Promise<boolean> {
  const from = ACCOUNT_IDS[index % ACCOUNT_IDS.length] as string;
  const to = ACCOUNT_IDS[(index + 1 + (index % 3)) % ACCOUNT_IDS.length] as string;
  const amount = 15 + index;
  if (!(await execute(streams, from, withdraw(amount), `transfer-${index}-out`))) return false;
  return execute(streams, to, deposit(amount), `transfer-${index}-in`);
}

async function main(databasePath: string): Promise<void> {
  await using streams = await sqliteStreamFactory(databasePath);
  for (const accountId of ACCOUNT_IDS) {
    await handle(streams, account, accountId, () => ({ type: "Opened", data: { balance: OPENING_BALANCE } }));
  }

  const outcomes = await Promise.all(Array.from({ length: TRANSFER_COUNT }, (_, index) => transfer(streams, index)));
  const completed = outcomes.filter(Boolean).length;
  console.log(`${completed} transfers completed, ${TRANSFER_COUNT - completed} refused for lack of money`);
  console.log(`${counts.decisions - counts.commands} conflicts, each decided again on fresh state`);
  console.log(`${counts.lostAnswers} lost answers, ${counts.repeatsThatWroteNothing} repeats that wrote nothing`);

  const accounts = await Promise.all(ACCOUNT_IDS.map((accountId) => loadState(streams, account, accountId)));
  for (const [index, { state: balance }] of accounts.entries()) {
    assert.ok(balance >= 0, `${ACCOUNT_IDS[index]} is overdrawn`);
    console.log(`${(ACCOUNT_IDS[index] as string).padEnd(14)}${String(balance).padStart(4)}`);
  }
  const total = accounts.reduce((sum, { state }) => sum + state, 0);
  const eventCount = accounts.reduce((sum, { version }) => sum + version, 0);
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
