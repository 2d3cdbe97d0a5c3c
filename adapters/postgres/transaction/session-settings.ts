import type { PostgresConnection } from "../client/client.js";
import type { Session } from "../open/session.js";
import { quoteText } from "../sql-text.js";

/** What a session has of its own, and where statements of the application begin. */
export type OwnSettings = Pick<Session, "role" | "searchPath" | "applicationPath">;

/**
 * Settings with which a statement of the library would find another table, type, operator or function than it means, read an
 * array or a text of its functions as another, be compiled for seconds, or have no rights. All others change nothing for it.
 */
const NAMES = ["search_path", "array_nulls", "standard_conforming_strings", "jit", "role"] as const;

type Values = Readonly<Record<(typeof NAMES)[number], string>>;

/** Which settings the session has, and what the application's are. */
interface State {
  readonly areApplications: boolean;
  readonly application: Values;
}

/**
 * The settings that statements of a transaction run with. Those that the application has made, such as a tenant's role, hold for
 * its own statements; those of the library run with the library's. Nothing is guessed from the statements: what changes the
 * settings is sent in front of the next statement of the other side, in one message with it.
 */
export class SessionSettings {
  readonly #connection: PostgresConnection;
  readonly #own: Values;
  readonly #initial: State;
  #state: State;

  constructor(connection: PostgresConnection, { role, searchPath, applicationPath }: OwnSettings) {
    this.#connection = connection;
    this.#own = { search_path: searchPath, array_nulls: "on", standard_conforming_strings: "on", jit: "off", role };
    this.#initial = { areApplications: false, application: { ...this.#own, search_path: applicationPath } };
    this.#state = this.#initial;
  }

  get state(): State {
    return this.#state;
  }

  /** The session has the settings of its beginning. */
  begin(): void {
    this.#state = this.#initial;
  }

  /** The session has the settings that it had then. */
  restore(state: State): void {
    this.#state = state;
  }

  /** Runs a statement of the application's. */
  asApplication<T>(run: () => Promise<T>): Promise<T> {
    const { areApplications, application } = this.#state;
    if (areApplications) return run();
    const take = (): void => {
      this.#state = { areApplications: true, application };
    };
    return this.#behind(`SELECT ${settingAll(application)}`, take, run);
  }

  /** Runs statements of the library's. */
  asLibrary<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#state.areApplications) return run();
    const take = (row: readonly (string | null)[]): void => {
      const values = NAMES.map((name, index) => [name, row[index] ?? ""]);
      this.#state = { areApplications: false, application: Object.fromEntries(values) as Values };
    };
    return this.#behind(`SELECT ${NAMES.map(currentOf).join(", ")}, ${settingAll(this.#own)}`, take, run);
  }

  /** Statements that run others with the application's settings. Whatever these change, the library's hold behind them. */
  around(script: string): string {
    const { areApplications, application } = this.#state;
    const begin = areApplications ? "" : `SELECT ${settingAll(application)};`;
    return `${begin} ${script} RESET SESSION AUTHORIZATION; SELECT ${settingAll(this.#own)};`;
  }

  async #behind<T>(text: string, onRow: (row: readonly (string | null)[]) => void, run: () => Promise<T>): Promise<T> {
    this.#connection.ahead = { text, onRow };
    try {
      return await run();
    } finally {
      // Where nothing was sent.
      this.#connection.ahead = undefined;
    }
  }
}

function currentOf(name: string): string {
  return `pg_catalog.current_setting(${quoteText(name)})`;
}

// Not SET: a path is a list of names, which it would take for one name.
function settingAll(values: Values): string {
  return NAMES.map((name) => `pg_catalog.set_config(${quoteText(name)}, ${quoteText(values[name])}, true)`).join(", ");
}
