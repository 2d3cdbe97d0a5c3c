import type { Fold } from "../../../../src/commands/index.js";

/** What happens to the account of the tests. */
export type AccountEvent =
  | { readonly type: "Opened"; readonly data: { readonly owner: string } }
  | { readonly type: "Deposited"; readonly data: { readonly amount: number } }
  | { readonly type: "Withdrawn"; readonly data: { readonly amount: number } };

export interface Account {
  readonly balance: number;
  readonly owner: string | null;
}

export const account: Fold<Account, AccountEvent> = {
  name: "account",
  initial: () => ({ balance: 0, owner: null }),
  evolve: (state, event) => {
    switch (event.type) {
      case "Opened":
        return { ...state, owner: event.data.owner };
      case "Deposited":
        return { ...state, balance: state.balance + event.data.amount };
      case "Withdrawn":
        return { ...state, balance: state.balance - event.data.amount };
    }
  },
};

export const opened: AccountEvent = { type: "Opened", data: { owner: "ada" } };
export const deposited = (amount: number): AccountEvent => ({ type: "Deposited", data: { amount } });
export const withdrawn = (amount: number): AccountEvent => ({ type: "Withdrawn", data: { amount } });

/** Withdraws if there is enough. */
export const withdraw =
  (amount: number) =>
  ({ balance }: Account): readonly AccountEvent[] =>
    balance < amount ? [] : [withdrawn(amount)];
