import { z } from 'zod';
import { settings } from '../decision/overrides.ts';
import { budgetLimits, limits, policyNames, stuckKinds } from '../decision/types.ts';
import { errorCodes } from '../errors.ts';
import type { TickReport } from '../telemetry/report.ts';
import { outcomes } from '../tick-record.ts';
import { momentText } from './moment.ts';

const count = z.number().int().nonnegative();

const amount = z.object({ workerHours: z.number(), dollars: z.number().nullable() });
const usage = amount.extend({
  alternatives: z.object({ max: amount, ratio: amount }),
  uncountedHours: z.number(),
  unpricedHours: z.number(),
});
const cost = z.object({ dollarsPerHour: z.number().nullable(), today: usage, month: usage });

/** What a daemon wrote of a tick, perhaps one of another version: fields that are not known are left out. */
export const reportSchema: z.ZodType<TickReport> = z.object({
  pool: z.string(),
  at: momentText,
  minWorkers: count,
  maxWorkers: count,
  currentWorkers: count.nullable(),
  recommendedWorkers: count.nullable(),
  desiredWorkers: count.nullable(),
  action: z.enum(['scale-up', 'scale-down', 'hold']),
  limitedBy: z.enum([...limits, 'none']),
  steps: z.array(
    z.object({
      step: z.enum(['recommend', ...limits]),
      workers: count.nullable(),
      why: z.string(),
    }),
  ),
  // A daemon of an older version says nothing of what has a default.
  configured: z
    .object({ minWorkers: count, maxWorkers: count })
    .default({ minWorkers: 0, maxWorkers: 10_000 }),
  targetWaitSeconds: z.number().nullable().default(null),
  alternative: z
    .object({ policy: z.enum(policyNames), workers: count.nullable(), why: z.string() })
    .nullable()
    .default(null),
  manualHold: z
    .object({ workers: count, until: momentText, why: z.string() })
    .nullable()
    .default(null),
  window: z.object({ text: z.string(), until: momentText }).nullable().default(null),
  pause: z
    .object({
      by: z.string().nullable(),
      at: momentText.nullable(),
      until: momentText.nullable(),
      why: z.string(),
    })
    .nullable()
    .default(null),
  overrides: z
    .array(
      z.object({
        setting: z.enum(settings),
        value: z.union([count, z.string()]),
        by: z.string(),
        at: momentText,
        until: momentText,
      }),
    )
    .default([]),
  outcome: z.enum(outcomes),
  error: z.object({ code: z.enum(errorCodes), message: z.string(), hint: z.string() }).optional(),
  blocked: z.array(
    z.object({
      dyno: z.string(),
      verdict: z.string(),
      since: momentText.nullable(),
      jobs: z.array(
        z.object({ queue: z.string(), jobId: z.string(), startedAt: momentText.nullable() }),
      ),
    }),
  ),
  stuck: z
    .array(
      z.object({
        queue: z.string(),
        kind: z.enum(stuckKinds),
        since: momentText,
        jobIds: z.array(z.string()),
        why: z.string(),
      }),
    )
    .default([]),
  queues: z.array(
    z.object({
      queue: z.string(),
      readyJobs: count,
      activeJobs: count,
      orphanedJobs: count,
      delayedJobs: count,
      pausedJobs: count,
      isPaused: z.boolean(),
      oldestWaitSeconds: z.number().nullable(),
    }),
  ),
  unreadableQueues: z.array(z.object({ queue: z.string(), why: z.string() })),
  // What an older daemon said of costs had another form: they are not known then, and the rest is.
  cost: cost.nullable().catch(null),
  budgets: z
    .array(z.object({ limit: z.enum(budgetLimits), workers: count.nullable(), why: z.string() }))
    .default([]),
});
