import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import {
  type AdministrableStorage,
  ALL_STREAM,
  type AppendRequest,
  type AppendResult,
  type EventPage,
  type JoinAppends,
  type NotificationListener,
  type Notifier,
  type ReadQuery,
  type StorageHandle,
  type StorageSession,
  type StoredEvent,
  type StreamBackend,
} from "../../protocols/index.js";
import { matchesFilter } from "../../src/filter/compile-filter.js";
import { overriding } from "./overriding.js";

/** Every seventh position is taken, as if others had been given up: gaps are allowed. */
const POSITION_STEP = 7;

/** Pages are shorter than what is asked for: that is allowed too. */
const MAX_PAGE_EVENTS = 40;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const spread = (event: StoredEvent): StoredEvent => ({ ...event, position: event.position * POSITION_STEP });
const spreadPlace = (streamId: string, place: number): number =>
  streamId === ALL_STREAM ? place * POSITION_STEP : place;
const innerPlace = (streamId: string, place: number): number =>
  streamId === ALL_STREAM ? Math.floor(place / POSITION_STEP) : place;

/** A store that does all that the contract allows and the store in memory does not: it is late, terse and has gaps. */
export function openUnusualBackend({
  tells,
}: {
  readonly tells: "events" | "only that there are some";
}): StreamBackend<AdministrableStorage> {
  const storage = new MemoryStorageHandle();
  const notifier = new MemoryNotifier(storage);
  return {
    storage: unusualStorage(storage),
    notifier: tells === "events" ? lateNotifier(notifier) : terseNotifier(notifier),
  };
}

function unusualStorage(storage: AdministrableStorage): AdministrableStorage {
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = async <T>(call: () => Promise<T>): Promise<T> => {
    const result = last.then(turn).then(call);
    last = result.catch(() => undefined);
    const value = await result;
    await turn();
    return value;
  };
  return overriding<AdministrableStorage & Uncopyable>(storage, {
    ...UNCOPYABLE,
    append: (request) => inOrder(() => spreadAppend(storage, request)),
    transact: (work, options) => inOrder(() => storage.transact((session) => work(unusualSession(session)), options)),
    appendTogether: (take, join) =>
      inOrder(async () => {
        const joinUnusual: JoinAppends = (session, stored) => join(unusualSession(session), stored);
        const outcomes = (await storage.appendTogether?.(() => take().map(withoutPlaces), joinUnusual)) ?? [];
        return outcomes.map((outcome) => ("error" in outcome ? outcome : { result: spreadResult(outcome.result) }));
      }),
    readPage: (query) => spreadRead(storage, query),
    getVersion: async (streamId) => spreadPlace(streamId, await storage.getVersion(streamId)),
    getMetrics: async (streamId) => {
      const metrics = await storage.getMetrics(streamId);
      return { ...metrics, currentVersion: spreadPlace(streamId, metrics.currentVersion) };
    },
    listStreams: async (query) => {
      const rows = await storage.listStreams(query);
      return rows.map((row) => ({ ...row, lastPosition: row.lastPosition * POSITION_STEP }));
    },
    removeBefore: (request) => inOrder(() => storage.removeBefore(request)),
    [Symbol.asyncDispose]: async () => {
      await last;
      await storage[Symbol.asyncDispose]();
    },
  });
}

/** A copy has positions of its own, which this store could not spread. */
interface Uncopyable {
  readonly exportContents?: undefined;
  readonly importContents?: undefined;
}

const UNCOPYABLE: Uncopyable = { exportContents: undefined, importContents: undefined };

function unusualSession(session: StorageSession): StorageSession {
  return {
    head: session.head * POSITION_STEP,
    append: (request) => spreadAppend(session, request),
    readPage: (query) => spreadRead(session, query),
    records: session.records,
  };
}

async function spreadAppend(storage: Pick<StorageHandle, "append">, request: AppendRequest): Promise<AppendResult> {
  return spreadResult(await storage.append(withoutPlaces(request)));
}

// What is left out is read back.
function withoutPlaces({ onPlaced: _, ...request }: AppendRequest): AppendRequest {
  return request;
}

function spreadResult({ version, position, written }: AppendResult): AppendResult {
  return { version, position: position * POSITION_STEP, written };
}

async function spreadRead(storage: Pick<StorageHandle, "readPage">, query: ReadQuery): Promise<EventPage> {
  const page = await storage.readPage(innerQuery(query));
  await turn();
  return outerPage(query, page);
}

function innerQuery({ streamId, after, upTo, limit, direction }: ReadQuery): ReadQuery {
  return {
    streamId,
    after: innerPlace(streamId, after),
    upTo: upTo === undefined ? undefined : innerPlace(streamId, upTo),
    limit: Math.min(limit, MAX_PAGE_EVENTS),
    direction,
  };
}

/** The filter is applied here, so that pages may be empty with more to come. */
function outerPage({ streamId, filter }: ReadQuery, { events, next, head, first }: EventPage): EventPage {
  return {
    events: events.map(spread).filter((event) => filter === undefined || matchesFilter(event, filter)),
    next: next === null ? null : spreadPlace(streamId, next),
    head: spreadPlace(streamId, head),
    first,
  };
}

/** Tells of events a little later, in smaller batches, and takes its bearings after the subscription. */
function lateNotifier(notifier: Notifier): Notifier {
  return laterListeners(notifier, (listener, isEnded) => {
    setImmediate(() => {
      if (!isEnded()) listener([]);
    });
    return (batch) => {
      for (const event of batch) if (!isEnded()) listener([spread(event)]);
      if (batch.length === 0 && !isEnded()) listener([]);
    };
  });
}

/** Never tells of an event, only that there may be some. */
function terseNotifier(notifier: Notifier): Notifier {
  return laterListeners(notifier, (listener, isEnded) => () => {
    if (!isEnded()) listener([]);
  });
}

type Rewrite = (listener: NotificationListener, isEnded: () => boolean) => NotificationListener;

function laterListeners(notifier: Notifier, rewrite: Rewrite): Notifier {
  let isDisposed = false;
  return overriding(notifier, {
    subscribe: (streamId, listener) => {
      let isUnsubscribed = false;
      const rewritten = rewrite(
        (batch) => {
          try {
            listener(batch);
          } catch {
            // What a listener throws is its own.
          }
        },
        () => isUnsubscribed || isDisposed,
      );
      const subscription = notifier.subscribe(streamId, (batch) => void setImmediate(() => rewritten(batch)));
      return {
        unsubscribe: () => {
          isUnsubscribed = true;
          subscription.unsubscribe();
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      await notifier[Symbol.asyncDispose]();
    },
  });
}
