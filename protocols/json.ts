/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A JSON object, the form that an event's metadata takes. */
export type JsonObject = { readonly [key: string]: JsonValue };
