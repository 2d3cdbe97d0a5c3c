/** Where the time of one workload goes. */
export interface Profile {
  /** What the workload did between opening and closing its store. */
  readonly operations: number;
  readonly events: number;
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
  /** Of the main thread; null where the system does not tell. */
  readonly mainThreadCpuMs: number | null;
  /** How long the main thread's event loop was not idle. */
  readonly loopActiveMs: number;
  readonly statements: readonly StatementProfile[];
}

/** The calls of the driver port with one SQL text. Each is one hop to the thread pool. */
export interface StatementProfile {
  readonly call: "open" | "prepare" | "run" | "all" | "exec" | "close";
  readonly sql: string;
  readonly calls: number;
  /** From the call until its promise was settled, added up over the calls. */
  readonly waitedMs: number;
  readonly boundBytes: number;
  readonly returnedBytes: number;
}
