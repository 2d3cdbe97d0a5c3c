import type { AggregateFold } from "../aggregate-state.js";

/** What the events of a run add up to. */
export type RunState = { status: string; steps: number; rows: number };

export const RUN: AggregateFold<RunState> = {
  snapshotEvery: 10,
  initial: () => ({ status: "unknown", steps: 0, rows: 0 }),
  evolve(state, { eventType, payload }) {
    if (eventType === "RunStarted") return { ...state, status: "running" };
    if (eventType === "StepFinished")
      return { ...state, steps: state.steps + 1, rows: state.rows + Number(payload.rows) };
    if (eventType === "RunFinished") return { ...state, status: String(payload.status) };
    return state;
  },
};
