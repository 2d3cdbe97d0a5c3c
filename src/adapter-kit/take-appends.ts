/** How many events one group takes; a single append may have more. */
const MAX_GROUP_EVENTS = 4_096;

/** How large an append is. */
interface Sized {
  readonly events: number;
  readonly characters: number;
}

/** Takes the appends before the next transaction out of a queue, up to the limits: at least the first. */
export function takeAppends<Call extends object, Append extends Call & Sized>(
  waiting: Call[],
  isAppend: (call: Call) => call is Append,
  maxCharacters: number,
): readonly Append[] {
  const taken: Append[] = [];
  let events = 0;
  let characters = 0;
  for (const call of waiting) {
    if (!isAppend(call)) break;
    events += call.events;
    characters += call.characters;
    if (taken.length > 0 && (events > MAX_GROUP_EVENTS || characters > maxCharacters)) break;
    taken.push(call);
  }
  waiting.splice(0, taken.length);
  return taken;
}
