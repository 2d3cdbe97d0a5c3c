/** The longest stream id and projection name, in UTF-16 units. */
export const MAX_STREAM_ID_LENGTH = 1_024;

/** The longest event type, in UTF-16 units. */
export const MAX_TYPE_LENGTH = 512;

/** The longest idempotency key, in UTF-16 units. */
export const MAX_KEY_LENGTH = 1_024;

/** How deep arrays and objects may nest in data, metadata or a snapshot's state. SQLite's own limit is 1,000. */
export const MAX_JSON_DEPTH = 500;

/** The largest data, and the largest metadata, of one event in bytes: UTF-8 JSON text, or the bytes themselves. */
export const MAX_EVENT_BYTES = 16 * 1024 * 1024;

/** The largest state of a snapshot in bytes before compression. */
export const MAX_SNAPSHOT_BYTES = 256 * 1024 * 1024;

/** The most events that one write may hold. */
export const MAX_WRITE_EVENTS = 1_000_000;

/**
 * The most clauses of a filter. An adapter may make one expression of them: SQLite takes 1,000 levels of those, and
 * 32,766 parameters, of which a clause needs three at most.
 */
export const MAX_FILTER_CLAUSES = 100;

/** The most values in the list of an `in` clause. */
export const MAX_FILTER_VALUES = 10_000;

/** The longest pattern of a `like` clause and the longest prefix, in UTF-16 units: any stream id and key fits. */
export const MAX_FILTER_PATTERN_LENGTH = 1_024;

/** The longest field of a clause, with its path, in UTF-16 units. */
export const MAX_FILTER_PATH_LENGTH = 1_024;

/** The most that all fields and all strings of a filter come to, in UTF-16 units. */
export const MAX_FILTER_LENGTH = 1024 * 1024;

/** How many events the first page of a read asks for; a read that stops early has cost little. */
export const FIRST_PAGE_EVENTS = 128;

/** How many events a page asks for at most. Pages grow towards it. */
export const MAX_PAGE_EVENTS = 2_048;

/** About how many bytes the events of a page take at most in memory; one event may be larger. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/** How many events a page asks for while the memory for events that wait is short. */
export const SHORT_MEMORY_PAGE_EVENTS = 16;

/** By what factor a page is larger than the one before it. */
export const PAGE_GROWTH_FACTOR = 4;

/** How many live events wait for a slow watcher before it is sent back to storage for what it misses. */
export const MAX_WATCH_BUFFER_EVENTS = 256;

/** The largest event that waits there; larger ones, and batches longer than the queue, are read from storage. */
export const MAX_QUEUED_EVENT_BYTES = 64 * 1024;

/**
 * How much memory a store uses for what waits: writes that are not stored yet, events that wait for slow consumers of
 * reads and watches, and snapshots that are being saved or loaded.
 */
export const MAX_STORE_MEMORY_BYTES = 512 * 1024 * 1024;

/** How many problems a report of a check lists. A check that has found so many stops: the store is beyond single repairs. */
export const MAX_VERIFY_PROBLEMS = 1_000;

/** The largest reason of a deletion in bytes of UTF-8 JSON text. */
export const MAX_REASON_BYTES = 4 * 1024;

/** How many streams one page of a listing has. */
export const LISTED_STREAMS = 512;

/** How many events one step of a removal takes: so many are archived together. */
export const REMOVAL_STEP_EVENTS = 4_096;

/** How many events one transaction removes. Writers wait for it, which should be 5 ms at most. */
export const REMOVAL_TRANSACTION_EVENTS = 256;

/** How many bytes of content one transaction removes, unless it is a single event's: large events take as long as many. */
export const REMOVAL_TRANSACTION_BYTES = 1024 * 1024;

/** How many bytes one step gives back to the file system: 256 pages of SQLite. Writers wait for that too. */
export const RECLAIM_STEP_BYTES = 1024 * 1024;

/** The most streams that one `writeAll` may name. */
export const MAX_UNIT_STREAMS = 1_000;

/** The most events that one `writeAll` may hold, in all of its streams together. */
export const MAX_UNIT_EVENTS = 1_000_000;

/** The most conditions of a write. */
export const MAX_CONDITIONS = 16;

/** The most filters of a condition. */
export const MAX_CONDITION_FILTERS = 32;

/** The most clauses of each filter of a condition. */
export const MAX_CONDITION_CLAUSES = 16;

/** Timers of Node take no more. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** How long a transaction may take unless it says otherwise. */
export const DEFAULT_TRANSACTION_TIMEOUT_MS = 2_000;

/** The longest time that a transaction may ask for. */
export const MAX_TRANSACTION_TIMEOUT_MS = 60_000;

/** How long a change of tables waits for those that use them, where writers wait for it meanwhile. */
export const MAX_TABLE_LOCK_WAIT_MS = 100;

/** After how much time a change that gave up is tried again: each attempt may hold up all writers for a moment. */
export const TABLE_LOCK_PAUSE_MS = 1_000;

/** The longest space and the longest key of a record, in UTF-16 units. */
export const MAX_RECORD_KEY_LENGTH = 1_024;

/** The largest value of a record in bytes of UTF-8 JSON text. */
export const MAX_RECORD_BYTES = 64 * 1024;

/** The most migrations of one list. */
export const MAX_MIGRATIONS = 10_000;

/** The longest text of a migration, in UTF-16 units. */
export const MAX_MIGRATION_LENGTH = 16 * 1024 * 1024;

/** The largest key, encrypted by a master key, that a key store keeps in bytes. */
export const MAX_WRAPPED_KEY_BYTES = 4 * 1024;

/** How many keys of persons a store with sealed fields has in memory unless it says otherwise. */
export const DEFAULT_CACHED_KEYS = 10_000;

/** How long such a key may be used before it is looked up again, unless the store says otherwise. */
export const DEFAULT_KEY_TTL_MS = 60_000;

/** The most records that one `list` returns. */
export const MAX_LISTED_RECORDS = 1_000;

/** The longest name of a consumer, in UTF-16 units. */
export const MAX_CONSUMER_NAME_LENGTH = 512;

/** The most partitions of a consumer. */
export const MAX_PARTITIONS = 256;

/** How many events a consumer reads ahead, in all of its partitions together. */
export const MAX_EVENTS_AHEAD = 256;

/** How many bytes of events a consumer reads ahead, if it is more than one event. */
export const MAX_BYTES_AHEAD = 8 * 1024 * 1024;

/** The longest name of a projection and of a table of it, in characters. */
export const MAX_PROJECTION_NAME_LENGTH = 48;

/** How many bytes of events a projection takes in one transaction, if it is more than one event. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** The most projections of one runner. */
export const MAX_PROJECTIONS = 100;

/** How many items one page and one batch of a copy have. */
export const MAX_COPY_PAGE_ITEMS = 1_000;

/** How many bytes of content one page and one batch of a copy have, unless it is a single item's. */
export const MAX_COPY_PAGE_BYTES = 4 * 1024 * 1024;

/** How many pages a copy reads of one state of its source, before it looks at a newer one. */
export const MAX_COPY_SESSION_PAGES = 64;

/** How often a copy brings what was written meanwhile, before it takes the rest as it is at one moment. */
export const MAX_COPY_ROUNDS = 5;

/** How many writes and transactions a worker has under way in the thread of the store. Others wait in the worker. */
export const MAX_WORKER_WRITES = 1_024;

/** How many bytes of writes a worker has under way there, if it is more than one write. */
export const MAX_WORKER_WRITE_BYTES = 16 * 1024 * 1024;

/** How many events a worker gets at once. A larger page would keep the thread of the store from its other work for too long. */
export const MAX_WORKER_PAGE_EVENTS = 128;

/** How many reads a worker has under way there. Each answer is a page at most. */
export const MAX_WORKER_READS = 32;

/**
 * How much later than in the worker itself a transaction of a worker ends in the thread of the store, in case the worker
 * does not get to it.
 */
export const WORKER_TIMEOUT_GRACE_MS = 1_000;

/** The longest key of a blob, in UTF-16 units. */
export const MAX_BLOB_KEY_LENGTH = 1_024;

/** The longest content type of a blob, in characters. */
export const MAX_CONTENT_TYPE_LENGTH = 256;

/** How many bytes of a blob are in memory at a time, and in one row of a database. */
export const BLOB_CHUNK_BYTES = 512 * 1024;

/** How many blobs one page of a listing has. */
export const LISTED_BLOBS = 1_000;

/** How many keys of a listing are in memory, where a look through a folder has found them. */
export const MAX_LISTED_KEYS = 100_000;

/** How long a put may wait for its next bytes. What is older was left behind by a put that was killed, and is removed. */
export const STALE_PUT_MS = 60 * 60_000;

/** How many states a cache keeps unless it says otherwise. */
export const DEFAULT_CACHED_STATES = 1_000;

/** The most states of a cache. */
export const MAX_CACHED_STATES = 1_000_000;

/** How often a load begins again, because the events that it was about to read were removed meanwhile. */
export const MAX_LOAD_ATTEMPTS = 5;

/** How many lower versions of a fold are looked for, to remove their snapshots. */
export const MAX_CLEARED_FOLD_VERSIONS = 100;

/** How often a command is decided unless it says otherwise. */
export const DEFAULT_ATTEMPTS = 5;

/** The most attempts that a command may ask for. */
export const MAX_ATTEMPTS = 10_000;

/** The longest id of a command, in UTF-16 units: with the number of any of its events it is a key. */
export const MAX_COMMAND_ID_LENGTH = MAX_KEY_LENGTH - "/999999".length;

/** How many events are read behind the first of a stored command, before it is known that it has more. */
export const FIRST_COMMAND_READ_EVENTS = 16;

/** How long a command that decides keeps others of its process from the stream at most, once they have been in conflict. */
export const MAX_DECISION_TURN_MS = 10;

/** How many events the end of the store may have that is read for many loads at once; with more, each reads its own stream. */
export const MAX_SHARED_TAIL_EVENTS = 1_024;

/** How long such a read waits for a commit that is under way, so that the callers of that are in it too. */
export const MAX_SHARED_TAIL_WAIT_MS = 5;

/** How many loads have to be under way for that. */
export const SHARED_TAIL_MIN_LOADS = 4;

/** How many loads read their own streams before that is tried again. */
export const SHARED_TAIL_REST_LOADS = 64;

/** How many bytes one part of an object has: it is in memory until it is stored. S3 takes 5 MiB and more. */
export const S3_PART_BYTES = 8 * 1024 * 1024;

/** The most parts of an object in S3. */
export const MAX_S3_PARTS = 10_000;

/** The longest key of an object in S3, in bytes of UTF-8. */
export const MAX_S3_KEY_BYTES = 1_024;

/** How often a request to S3 is made, until one of them succeeds. */
export const S3_ATTEMPTS = 5;

/** How long S3 may take to send something, and to take something, before the request is made again. */
export const S3_IDLE_TIMEOUT_MS = 30_000;

/** The largest answer of S3 that is not an object: a page of a listing. */
export const MAX_S3_ANSWER_BYTES = 16 * 1024 * 1024;

/** In how many random ways the test of a projection divides its events into batches. */
export const RANDOM_BATCH_PLANS = 3;
