/** The space of the records with the metadata of streams, by stream id. */
export const STREAM_METADATA_SPACE = "@streams";

/** The space of the records of deletions that have not removed everything yet, by stream id. */
export const DELETIONS_SPACE = "@deletions";

/** The space of the record that says who applies retention. */
export const RETENTION_SPACE = "@retention";

/** The spaces of the positions up to which consumers and projections have read the store. */
export const CONSUMERS_SPACE = "@consumers";
export const PROJECTIONS_SPACE = "@projections";

/**
 * The space of the positions of read models that are kept elsewhere, which belong to no build of this store. It is below that of
 * projections, and is left out of copies with it.
 */
export const PROJECTIONS_ELSEWHERE_SPACE = `${PROJECTIONS_SPACE}/elsewhere`;

/** The space of what readers see of each projection, by its name. */
export const LIVE_PROJECTIONS_SPACE = "@live-projections";

/** The space of what the partitions of a consumer share, by its name. */
export const CONSUMER_GROUPS_SPACE = "@consumer-groups";

/** The space of the places of events that consumers have set aside. */
export const PARKED_SPACE = "@parked";
