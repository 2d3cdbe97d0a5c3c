/** What happens in the shop. */
export type ShopEvent =
  | { type: "Ordered"; data: { email: string; product: string } }
  | { type: "Cancelled"; data: { email: string } };
