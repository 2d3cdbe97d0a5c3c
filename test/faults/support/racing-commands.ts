import { expect } from "vitest";
import type { StreamFactory } from "../../../index.js";
import { loadState } from "../../../src/commands/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import type { NodeProcess } from "../../support/node-process.js";
import { account } from "../support/account.js";
import { answersTo } from "./commanding.js";

const WITHDRAWALS = 50;

/** 50 withdrawals of 10 race for a balance of 100: ten get it, and nobody fails. */
export async function raceForBalance(
  streams: StreamFactory,
  processes: readonly NodeProcess[],
  streamId: string,
): Promise<void> {
  await answersTo(processes.slice(0, 1), () => [`${streamId} deposit 100 -`]);
  const answers = await answersTo(processes, (process) =>
    Array.from({ length: Math.ceil((WITHDRAWALS - process) / processes.length) }, () => `${streamId} withdraw 10 -`),
  );
  expect(answers).toHaveLength(WITHDRAWALS);
  expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
  const winners = answers.filter(({ written }) => written === 1);
  expect(winners.map(({ balance }) => balance).sort((a, b) => b - a)).toEqual([90, 80, 70, 60, 50, 40, 30, 20, 10, 0]);
  expect(answers.filter(({ written, events }) => written === 0 && events === 0)).toHaveLength(WITHDRAWALS - 10);
  expect(await loadState(streams, account, streamId)).toEqual({ state: 0, version: 11 });
}

/** One command is sent to all processes at once, several times to each: there is one set of events, and one answer. */
export async function sendEverywhere(
  streams: StreamFactory,
  processes: readonly NodeProcess[],
  streamId: string,
): Promise<void> {
  await answersTo(processes.slice(0, 1), () => [`${streamId} deposit 15 -`]);
  const command = `${streamId} withdraw 10 command-of-${streamId}`;
  const answers = [...(await answersTo(processes, () => [command, command, command]))];
  answers.push(...(await answersTo(processes, () => [command])));
  expect(answers.filter(({ written }) => written === 1)).toHaveLength(1);
  // A second decision would find too little.
  expect(
    new Set(answers.map(({ events, balance, version, error }) => `${events} ${balance} ${version} ${error}`)),
  ).toEqual(new Set(["1 5 2 undefined"]));
  expect(await eventsOf(await streams.openStream(streamId))).toHaveLength(2);
}
