/** Something that works on a store until it is stopped, at the latest by the disposal of the factory. */
export interface StoreService {
  stop(): Promise<void>;
}
