import { z } from 'zod';

/** The fields that are used, and no others: Heroku adds fields and retires them. */
const unknownIsNull = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

const processType = z
  .object({
    type: z.string(),
    quantity: z.int().min(0),
    dyno_size: z.object({ name: unknownIsNull }).nullish(),
    size: unknownIsNull,
  })
  // `size` is the older name of the same thing; not every reply has both.
  .transform(({ type, quantity, dyno_size, size }) => ({
    type,
    quantity,
    size: dyno_size?.name ?? size,
  }));

export const formation = z.array(processType);
export const app = z.object({ name: z.string(), maintenance: z.boolean() });
export const dynos = z.array(
  z.object({
    id: unknownIsNull,
    name: z.string(),
    type: z.string(),
    state: z.string(),
    size: unknownIsNull,
    created_at: z.string(),
  }),
);

/** How many dynos of a process type are asked for, and of which size (null when unknown), as in `Standard-1X`. */
export type ProcessType = z.output<typeof processType>;
export type App = z.output<typeof app>;
/** A running dyno, as in `worker.3`; its state is `crashed`, `down`, `idle`, `starting` or `up`. */
export type Dyno = z.output<typeof dynos>[number];
