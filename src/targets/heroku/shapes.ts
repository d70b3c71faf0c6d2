import { z } from 'zod';

/** The fields that are used, and no others: Heroku adds fields and retires them. */
const unknownIsNull = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

/** As many as MAX_WORKERS can be, and far more than an app may have: each is looked at when some are to go. */
const quantityMax = 10_000;

const processType = z
  .object({
    type: z.string(),
    quantity: z.int().min(0).max(quantityMax),
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

export const configVars = z.record(z.string(), z.string());
const addon = z.object({
  id: z.string(),
  name: z.string(),
  app: z.object({ name: z.string() }),
  config_vars: z.array(z.string()),
});
/** A name that stands for several is refused by Heroku, which answers with a list all the same. */
export const oneAddon = z
  .array(addon)
  .length(1)
  .transform(([only]) => only as Addon);
export const dataMaintenance = z.object({
  /** `none`, `pending`, `preparing`, `ready`, `running` or `completed`. */
  status: z.string(),
  started_at: unknownIsNull,
  completed_at: unknownIsNull,
});

/** How many dynos of a process type are asked for, and of which size (null when unknown), as in `Standard-1X`. */
export type ProcessType = z.output<typeof processType>;
export type App = z.output<typeof app>;
/** A running dyno, as in `worker.3`; its state is `crashed`, `down`, `idle`, `starting` or `up`. */
export type Dyno = z.output<typeof dynos>[number];
export type Addon = z.output<typeof addon>;
export type DataMaintenance = z.output<typeof dataMaintenance>;
