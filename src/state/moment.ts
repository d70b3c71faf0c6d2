import { z } from 'zod';

/** Unix milliseconds, within what a `Date` can say: another number could be read, and would end the process when told. */
export const momentMs = z.number().nonnegative().max(8.64e15);

/** A moment as text, in ISO 8601 or whatever else a `Date` understands. */
export const momentText = z.string().refine((text) => !Number.isNaN(Date.parse(text)), {
  error: 'not a moment',
});
