/** A processor that BullMQ runs in a process or a thread of its own, and that does not listen to its signal. */
const { appendFileSync } = require('node:fs');

module.exports = async (job) => {
  const note = (event) =>
    appendFileSync(
      job.data.ledger,
      `${JSON.stringify({ event, job: job.name, pid: process.pid })}\n`,
    );
  note('started');
  await new Promise((resolve) => setTimeout(resolve, job.data.workMs));
  note('finished');
};
