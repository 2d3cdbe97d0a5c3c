import { createHash, randomUUID } from "node:crypto";
import { type SQLStatement, sql } from "async-streams";
import { checkObject } from "./check-object.js";
import { record, streamOfResource } from "./history.js";
import { allRows } from "./lists.js";
import type { NewResourceState, ResourceState } from "./model.js";
import { type Row, toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equals, select } from "./statements.js";
import { NotFoundError } from "./store-error.js";
import { RESOURCE_STATE } from "./tables.js";

/** SHA-256 of the JSON text of a state, in hex. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Creates or changes the state of a resource. A hash that is given must be that of the state. */
export function upsertResourceState(session: Session, given: NewResourceState): Promise<ResourceState> {
  return session.change("upsert resource state", async (tx, tables) => {
    checkObject("resource state", given);
    const { resourceType, resourceName, state } = given;
    if (state === undefined) throw new TypeError("state is missing");
    const hash = hashOf(JSON.stringify(state));
    if (given.hash !== undefined && given.hash !== hash) {
      throw new Error(`the hash of the state is ${hash}, and not ${given.hash}`);
    }
    const [found] = await tables.all<Row>(selectResource(resourceType, resourceName));
    const now = session.now();
    const existing = found === undefined ? undefined : toRecord<ResourceState>(RESOURCE_STATE, found);
    const changed: ResourceState = {
      ...given,
      id: existing?.id ?? given.id ?? randomUUID(),
      hash,
      lastApplied: given.lastApplied ?? now,
      createdAt: existing?.createdAt ?? given.createdAt ?? now,
      updatedAt: given.updatedAt ?? now,
    };
    const data = toData(RESOURCE_STATE, changed);
    await record(tx, tables, streamOfResource(resourceType, resourceName), { type: "ResourceStateRecorded", data });
    return changed;
  });
}

/** A state whose text is not what the hash was made of is damaged, and not returned. */
export function getResourceState(session: Session, type: string, name: string): Promise<ResourceState> {
  return session.read("get resource state", async (all) => {
    const [row] = await all(selectResource(type, name));
    if (row === undefined) throw new NotFoundError(`resource "${type}" "${name}"`);
    const hash = hashOf(String(row.state));
    if (hash !== row.hash)
      throw new Error(`resource "${type}" "${name}" is damaged: its hash is ${hash}, not ${row.hash}`);
    return toRecord<ResourceState>(RESOURCE_STATE, row);
  });
}

/** All of them, in the order of their types and names. */
export function listResourceStates(session: Session): Promise<ResourceState[]> {
  const page = (last: Row | undefined, limit: number) =>
    select(RESOURCE_STATE, { where: [last && isBehind(last)], orderBy: sql`resource_type, resource_name`, limit });
  return session.read("list resource states", async (all) =>
    (await allRows(all, page)).map((row) => toRecord<ResourceState>(RESOURCE_STATE, row)),
  );
}

const isBehind = ({ resource_type = null, resource_name = null }: Row) =>
  sql`(resource_type, resource_name) > (${resource_type}, ${resource_name})`;

export function selectResource(type: string, name: string): SQLStatement {
  return select(RESOURCE_STATE, { where: [equals("resource_type", type), equals("resource_name", name)] });
}
