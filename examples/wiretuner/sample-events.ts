import { asyncScheduler, type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscription } from "rxjs";
import { checkObject } from "./check-arguments.js";
import { SAMPLED_EVENT_TYPES } from "./editor-events.js";

/** What the operator looks at. The fields are in the event, or in the `fields` of a draft. */
export interface SampledInput extends Partial<TargetFields> {
  readonly eventType: string;
  readonly undoGroupId?: string | undefined;
  readonly fields?: TargetFields | undefined;
}

/** What of an event's own fields says what it changes. */
interface TargetFields {
  readonly pathId?: unknown;
  readonly index?: unknown;
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

/** A gesture that changes more than this is sampled as several. */
const MAX_TARGETS = 10_000;

/** What a gesture changes: a path, one of its anchors, or what there is only one of. */
interface Target<E> {
  emittedAtMs: number;
  held?: E | undefined;
}

interface Gesture<E> {
  readonly eventType: string;
  readonly undoGroupId: string | undefined;
  readonly targets: Map<string, Target<E>>;
}

/**
 * Lets one sampled event of each path or anchor through every interval, and all others at once.
 *
 * A gesture is a run of sampled events of one type and one undo group. It ends with the first other event, or with the end of
 * the input. The first and the last event of each path or anchor always come through, so that what is dragged ends where it
 * was dropped. When there was no event for an interval, the last ones come through before the gesture has ended.
 *
 * @throws RangeError when `intervalMs` is below 0, or no number
 */
export function sampleEvents<E extends SampledInput>(options: SamplingOptions<E> = {}): MonoTypeOperatorFunction<E> {
  checkObject("options", options);
  const {
    intervalMs = SAMPLING_INTERVAL_MS,
    isSampled = ({ eventType }: E) => SAMPLED_EVENT_TYPES.has(eventType),
    scheduler = asyncScheduler,
  } = options;
  if (!(intervalMs >= 0)) throw new RangeError(`intervalMs must be 0 or more, got ${intervalMs}.`);
  return (source) =>
    new Observable<E>((subscriber) => {
      let gesture: Gesture<E> | undefined;
      let quiet: Subscription | undefined;

      const emitHeld = (): void => {
        const nowMs = scheduler.now();
        for (const [key, target] of gesture?.targets ?? []) {
          const { held, emittedAtMs } = target;
          if (held !== undefined) {
            Object.assign(target, { emittedAtMs: nowMs, held: undefined });
            subscriber.next(held);
          } else if (nowMs - emittedAtMs >= intervalMs) {
            // Its next event comes through at once, as that of a new one does.
            gesture?.targets.delete(key);
          }
        }
      };

      const endGesture = (): void => {
        quiet?.unsubscribe();
        emitHeld();
        gesture = undefined;
      };

      const sample = (event: E): void => {
        if (gesture !== undefined && !isOfGesture(gesture, event)) endGesture();
        gesture ??= { eventType: event.eventType, undoGroupId: event.undoGroupId, targets: new Map() };
        quiet?.unsubscribe();
        const key = targetOf(event);
        const target = gesture.targets.get(key);
        const nowMs = scheduler.now();
        if (target !== undefined && nowMs - target.emittedAtMs < intervalMs) {
          target.held = event;
        } else {
          gesture.targets.set(key, { emittedAtMs: nowMs });
          subscriber.next(event);
        }
        quiet = scheduler.schedule(emitHeld, intervalMs);
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

function isOfGesture<E extends SampledInput>({ eventType, undoGroupId, targets }: Gesture<E>, event: E): boolean {
  const isSame = eventType === event.eventType && undoGroupId === event.undoGroupId;
  return isSame && (targets.size < MAX_TARGETS || targets.has(targetOf(event)));
}

/** Events of what there is only one of, such as the viewport, have neither field. */
function targetOf(event: SampledInput): string {
  const { pathId, index } = event.fields ?? event;
  return JSON.stringify([pathId, index]);
}
