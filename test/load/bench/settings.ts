/** What `npm run bench` gives to every suite. */
export interface Settings {
  /** How often each server is measured; tables have the medians. */
  readonly rounds: number;
  /** How long a load lasts. */
  readonly seconds: number;
  /** How many clients a load has at a time. */
  readonly clients: number;
}
