import type { StoredEvent } from "../../protocols/index.js";
import type { Lifetime } from "../adapter-kit/lifetime.js";
import { PageReader, type PageSource } from "./page-reader.js";
import type { ReadPlan } from "./read-options.js";

/** The context of a read besides its options. */
export interface ReadContext extends PageSource {
  readonly lifetime: Lifetime;
  /** Called with each event just before the consumer gets it. */
  readonly onEvent: (event: StoredEvent) => void;
}

/**
 * Reads page by page. The next page is fetched while the consumer is in the second half of the one before, or earlier, while the
 * hooks are at that one.
 */
export async function* readEvents(context: ReadContext, planOf: () => ReadPlan): AsyncGenerator<StoredEvent, void> {
  context.lifetime.assertOpen(`read stream "${context.streamId}"`);
  const plan = planOf();
  plan.signal?.throwIfAborted();
  const pages = new PageReader(context, plan);
  let wanted = plan.limit;
  try {
    while (await pages.fill(wanted)) {
      // Many pages in turn may have no events.
      if (context.lifetime.closed || plan.signal?.aborted) throwEnded(context, plan);
      for (let event = pages.next(wanted); event !== undefined; event = pages.next(wanted)) {
        if (context.lifetime.closed || plan.signal?.aborted) throwEnded(context, plan);
        wanted -= 1;
        context.onEvent(event);
        yield event;
        if (wanted === 0) return;
      }
    }
  } finally {
    pages.close();
  }
  if (context.lifetime.closed || plan.signal?.aborted) throwEnded(context, plan);
}

/** A read that is cut short must not look like one that reached the end. */
function throwEnded({ lifetime, streamId }: ReadContext, { signal }: ReadPlan): void {
  signal?.throwIfAborted();
  lifetime.assertOpen(`go on reading stream "${streamId}"`);
}
