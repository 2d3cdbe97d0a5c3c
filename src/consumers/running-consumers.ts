import type { StoreService } from "../stream/store-service.js";
import type { StoreAccess } from "../transaction/store-access.js";

/** A consumer that runs in this process, as others find it. */
export interface RunningConsumer extends StoreService {
  readonly name: string;
  /** Looks at the records now. */
  renew(): void;
}

/** The consumers of that name that run over a factory. */
export function consumersOf({ services }: Pick<StoreAccess, "services">, name: string): readonly RunningConsumer[] {
  return [...services].filter((service): service is RunningConsumer => isConsumer(service) && service.name === name);
}

function isConsumer(service: StoreService): service is RunningConsumer {
  return "renew" in service && "name" in service;
}
