import { z } from 'zod';
import { invalidParams } from './api-error.ts';

const quantity = z.union([
  z.int().nonnegative(),
  // Heroku's own client sends text, which may also be a change.
  z.string().regex(/^[+-]?\d+$/),
]);
const dynoSize = z
  .union([z.object({ id: z.string() }), z.object({ name: z.string() })])
  .transform((size) => ('id' in size ? size.id : size.name));

const change = z
  .object({
    quantity: quantity.optional(),
    size: z.string().optional(),
    dyno_size: dynoSize.optional(),
  })
  .transform(({ quantity, size, dyno_size }) => ({ quantity, size: dyno_size ?? size }));

/** `PATCH …/formation/{type}` */
export const formationChange = change;

/** `PATCH …/formation` */
export const formationBatch = z.object({
  updates: z.array(z.object({ type: z.string() }).and(change)),
});

/** `POST …/dynos` */
export const dynoCreate = z.object({
  command: z.string().min(1),
  type: z
    .string()
    .regex(/^[-\w]{1,128}$/)
    .default('run'),
  size: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
  time_to_live: z.int().min(1).max(86_400).optional(),
});

/** `PATCH …/config-vars` */
export const configChanges = z.record(z.string(), z.string().nullable());

/** `PATCH /apps/{app}`; other attributes of an app cannot be changed here. */
export const appChange = z.object({ maintenance: z.boolean().optional() });

/** `POST /actions/addons/resolve` */
export const addonQuestion = z.object({ addon: z.string(), app: z.string().nullish() });

/** `POST /oauth/authorizations` */
export const authorizationCreate = z.object({
  description: z.string().optional(),
  expires_in: z.coerce.number().int().positive().nullish(),
  scope: z.array(z.string()).default(['global']),
});

/** @throws {ApiError} 422 that names the first problem */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [problem] = result.error.issues;
  throw invalidParams(`${problem?.path.join('.') ?? ''}: ${problem?.message ?? 'invalid'}`);
}
