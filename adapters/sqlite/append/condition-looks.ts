import type { AppendUnit, ParsedCondition, ReadQuery, StoredEvent } from "../../../protocols/index.js";
import { lookForMatch } from "../../../src/transaction/conditions.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { FieldIndex } from "../indexes/field-index.js";
import { readPage } from "../read/read-page.js";
import { type GroupMember, isUnit } from "./append-plan.js";

/** What was seen of a condition. */
interface Look {
  readonly unit: AppendUnit;
  readonly condition: ParsedCondition;
  /** The last position that was looked at. */
  upTo: number;
}

/**
 * Looks for events that match the conditions of a group's units. Whenever the group is planned on a newer state of the
 * store, only what has come since is looked at.
 */
export class ConditionLooks {
  readonly #connection: SQLiteConnection;
  readonly #looks: readonly Look[];
  readonly #matches = new Map<AppendUnit, StoredEvent>();
  readonly #indexes: readonly FieldIndex[];

  private constructor(connection: SQLiteConnection, looks: readonly Look[], indexes: readonly FieldIndex[]) {
    this.#connection = connection;
    this.#looks = looks;
    this.#indexes = indexes;
  }

  /** Undefined for a group without conditions. */
  static of(
    connection: SQLiteConnection,
    members: readonly GroupMember[],
    indexes: readonly FieldIndex[],
  ): ConditionLooks | undefined {
    const looks = members
      .filter(isUnit)
      .flatMap((unit) => unit.conditions.map((condition) => ({ unit, condition, upTo: condition.after })));
    return looks.length === 0 ? undefined : new ConditionLooks(connection, looks, indexes);
  }

  /** The first event up to a position that matches, for each unit that has one. */
  async matchesUpTo(position: number): Promise<ReadonlyMap<AppendUnit, StoredEvent>> {
    for (const look of this.#looks) {
      if (look.upTo >= position || this.#matches.has(look.unit)) continue;
      const condition = { ...look.condition, after: look.upTo };
      const read = (query: ReadQuery) => readPage(this.#connection, query, this.#indexes);
      const { match } = await lookForMatch(read, condition, position);
      if (match !== null) this.#matches.set(look.unit, match);
      look.upTo = position;
    }
    return this.#matches;
  }
}
