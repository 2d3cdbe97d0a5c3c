import { randomUUID } from "node:crypto";
import type { JsonObject } from "async-streams";
import { concatMap, delay, from, of, VirtualTimeScheduler } from "rxjs";
import type { Draft } from "./event-recorder.js";
import { sampleEvents } from "./sample-events.js";
import type { Anchor, Path, Point } from "./vector-document.js";

/** A pen tablet reports its place a hundred times a second. */
const REPORT_INTERVAL_MS = 10;

/** How many reports it takes to draw one anchor: to press, to drag its handles out, and to release. */
const REPORTS_OF_ANCHOR = 20;

/** How long the pen is up on its way to the next anchor. */
const PEN_UP_MS = 200;

/** What a pen reports, and how long after the report before it. */
export interface PenReport {
  readonly afterMs: number;
  readonly draft: Draft;
}

/** Draws a path: each anchor is pressed at its place, and its handles are dragged out. One group of undo. */
export function drawPath({ pathId, style, anchors, closed }: Path): PenReport[] {
  const undoGroupId = randomUUID();
  const report = (eventType: string, fields: object, afterMs = PEN_UP_MS): PenReport => ({
    afterMs,
    // A plain JSON value: an anchor's fields are optional.
    draft: { eventType, undoGroupId, fields: { pathId, ...fields } as JsonObject },
  });
  return [
    report("CreatePathEvent", { style }),
    ...anchors.flatMap((anchor, index) =>
      dragHandles(anchor).map((dragged, step) =>
        report("AddAnchorEvent", { index, anchor: dragged }, step === 0 ? PEN_UP_MS : REPORT_INTERVAL_MS),
      ),
    ),
    ...(closed ? [report("ClosePathEvent", {})] : []),
  ];
}

/** Drags a path by its first anchor. One group of undo. */
export function dragPath(pathId: string, fromPoint: Point, toPoint: Point, durationMs: number): PenReport[] {
  const undoGroupId = randomUUID();
  const count = durationMs / REPORT_INTERVAL_MS;
  return Array.from({ length: count }, (_, index) => {
    const [x, y] = between(fromPoint, toPoint, index / (count - 1));
    return {
      afterMs: REPORT_INTERVAL_MS,
      draft: { eventType: "MoveObjectEvent", undoGroupId, fields: { pathId, x, y } },
    };
  });
}

/** What is left of the reports of a pen after sampling. The time is virtual, so that drawing takes none. */
export function sampled(reports: readonly PenReport[]): Draft[] {
  const scheduler = new VirtualTimeScheduler();
  const kept: Draft[] = [];
  const input = from(reports).pipe(concatMap(({ afterMs, draft }) => of(draft).pipe(delay(afterMs, scheduler))));
  input.pipe(sampleEvents({ scheduler })).subscribe((draft) => kept.push(draft));
  scheduler.flush();
  return kept;
}

/** An anchor while its handles are dragged out. The last one is the anchor itself. */
function dragHandles(anchor: Anchor): Anchor[] {
  const place: Point = [anchor.x, anchor.y];
  const steps = Array.from({ length: REPORTS_OF_ANCHOR - 1 }, (_, index) => index / (REPORTS_OF_ANCHOR - 1));
  const dragged = steps.map((share) => ({
    x: anchor.x,
    y: anchor.y,
    ...(anchor.in === undefined ? {} : { in: between(place, anchor.in, share) }),
    ...(anchor.out === undefined ? {} : { out: between(place, anchor.out, share) }),
  }));
  return [...dragged, anchor];
}

function between([fromX, fromY]: Point, [toX, toY]: Point, share: number): Point {
  const at = (start: number, end: number): number => (share === 1 ? end : start + (end - start) * share);
  return [at(fromX, toX), at(fromY, toY)];
}
