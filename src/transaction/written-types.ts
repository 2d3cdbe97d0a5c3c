import type { AppendRequest, AppendResult, StorageSession } from "../../protocols/index.js";

/** A session that also notes the types of the events that it stores. */
export function notingTypes(session: StorageSession, writtenTypes: Set<string>): StorageSession {
  return {
    head: session.head,
    records: session.records,
    sql: session.sql,
    readPage: (query) => session.readPage(query),
    async append(request: AppendRequest): Promise<AppendResult> {
      const result = await session.append(request);
      if (result.written > 0) for (const { type } of request.events) writtenTypes.add(type);
      return result;
    },
    ...(session.runScript !== undefined && { runScript: session.runScript.bind(session) }),
  };
}
