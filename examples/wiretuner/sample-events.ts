import { asyncScheduler, type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscription } from "rxjs";
import { SAMPLED_EVENT_TYPES } from "./editor-events.js";

/** What the operator looks at. */
export interface SampledInput {
  readonly eventType: string;
  readonly undoGroupId?: string | undefined;
}

export interface SamplingOptions<E> {
  /** Default 50. */
  readonly intervalMs?: number;
  /** Which events are thinned out. Default: those of the five sampled types. */
  readonly isSampled?: (event: E) => boolean;
  /** The clock. Default `asyncScheduler`. */
  readonly scheduler?: SchedulerLike;
}

export const SAMPLING_INTERVAL_MS = 50;

/**
 * Lets one sampled event through every interval, and all others at once.
 *
 * A gesture is a run of sampled events of one type and one undo group. It ends with the first other event, with the end of
 * the input, or when there was none for an interval. Its first and its last event always come through, so that what is
 * dragged ends where it was dropped.
 */
export function sampleEvents<E extends SampledInput>({
  intervalMs = SAMPLING_INTERVAL_MS,
  isSampled = ({ eventType }) => SAMPLED_EVENT_TYPES.has(eventType),
  scheduler = asyncScheduler,
}: SamplingOptions<E> = {}): MonoTypeOperatorFunction<E> {
  return (source) =>
    new Observable<E>((subscriber) => {
      let gesture: { readonly first: E; emittedAtMs: number; held?: E | undefined } | undefined;
      let quiet: Subscription | undefined;

      const endGesture = (): void => {
        const held = gesture?.held;
        quiet?.unsubscribe();
        gesture = undefined;
        if (held !== undefined) subscriber.next(held);
      };

      const sample = (event: E): void => {
        if (gesture !== undefined && !isSameGesture(gesture.first, event)) endGesture();
        const nowMs = scheduler.now();
        quiet?.unsubscribe();
        if (gesture === undefined || nowMs - gesture.emittedAtMs >= intervalMs) {
          gesture = { first: gesture?.first ?? event, emittedAtMs: nowMs };
          subscriber.next(event);
        } else {
          gesture.held = event;
        }
        quiet = scheduler.schedule(endGesture, intervalMs);
      };

      const subscription = source.subscribe({
        next(event) {
          if (isSampled(event)) return sample(event);
          endGesture();
          subscriber.next(event);
        },
        error(error) {
          endGesture();
          subscriber.error(error);
        },
        complete() {
          endGesture();
          subscriber.complete();
        },
      });
      return () => {
        subscription.unsubscribe();
        quiet?.unsubscribe();
      };
    });
}

function isSameGesture(first: SampledInput, { eventType, undoGroupId }: SampledInput): boolean {
  return first.eventType === eventType && first.undoGroupId === undoGroupId;
}
