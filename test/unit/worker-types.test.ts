import type * as bullmq6 from 'bullmq';
import type * as bullmq5 from 'bullmq-v5';
import { expectTypeOf, it } from 'vitest';
import type { BullmqWorker } from '../../src/worker/bullmq-worker.ts';

type Data = { readonly address: string };

// The compiler is the judge here: `tsc` fails when a Worker of either major no longer fits.
it('accepts the workers of both majors of BullMQ, whatever their jobs carry', () => {
  expectTypeOf<bullmq5.Worker>().toExtend<BullmqWorker>();
  expectTypeOf<bullmq6.Worker>().toExtend<BullmqWorker>();
  expectTypeOf<bullmq5.Worker<Data, number, 'send'>>().toExtend<BullmqWorker>();
  expectTypeOf<bullmq6.Worker<Data, number, 'send'>>().toExtend<BullmqWorker>();
});
