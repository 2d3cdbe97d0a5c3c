import type { PostgresConnection } from "../client/client.js";
import { quoteText } from "../sql-text.js";

/** Statements that may set a role. What a function of the application's hides is not seen, and fails the library's next statement. */
const SETTING_ROLES = /set_config|\brole\b|\bpg_settings\b/i;

/**
 * The role that statements of a transaction run with. One that the application has set, such as a tenant's, holds for its own
 * statements: it has no rights to the library's tables.
 */
export class SessionRole {
  readonly #connection: PostgresConnection;
  readonly #own: string;
  /** The application's, while the session has the library's. */
  #application: string | undefined;
  #wasNoted = false;
  #mayBeChanged = false;

  /** @param own - that of the connection's beginning, as the server shows it */
  constructor(connection: PostgresConnection, own: string) {
    this.#connection = connection;
    this.#own = own;
  }

  /** Before a statement of the application's. */
  async takeApplications(text: string): Promise<void> {
    this.#wasNoted ||= SETTING_ROLES.test(text);
    if (this.#application !== undefined) await this.#connection.script(setRole(this.#application));
    this.forget();
  }

  /** Before a statement of the library's. */
  async takeOwn(): Promise<void> {
    if (!this.#mayBeChanged) return;
    this.#mayBeChanged = false;
    const { rows } = await this.#connection.script<{ role: string }>(
      `SELECT current_setting('role') AS role, set_config('role', ${quoteText(this.#own)}, true)`,
    );
    const role = rows[0]?.role;
    this.#application = role === this.#own ? undefined : role;
  }

  /** The session's role is no longer known: it may have been set back. */
  forget(): void {
    this.#application = undefined;
    this.#mayBeChanged = this.#wasNoted;
  }

  /** Runs statements with the application's role, and leaves the library's, and its user: in one query, without a look at them. */
  around(script: string): string {
    const application = this.#application === undefined ? "" : setRole(this.#application);
    return `${application} ${script} RESET SESSION AUTHORIZATION; ${setRole(this.#own)}`;
  }
}

function setRole(role: string): string {
  return `SET LOCAL role TO ${quoteText(role)};`;
}
