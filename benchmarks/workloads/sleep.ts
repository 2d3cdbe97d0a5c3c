import { setTimeout } from "node:timers/promises";

export const sleep = (timeMs: number): Promise<void> => setTimeout(timeMs);
