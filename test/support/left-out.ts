import { accessSync, appendFileSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * True when a command that some tests need is missing, so that they have to be left out: `test.skipIf(leaveOutUnless('promtool'))`.
 * Its name is then added to the file of AUTOSCALER_TEST_LEFT_OUT, one in a line, for the summary of the whole run.
 */
export function leaveOutUnless(command: string): boolean {
  if (isOnPath(command)) return false;
  const summary = process.env['AUTOSCALER_TEST_LEFT_OUT'];
  if (summary !== undefined && summary !== '') appendFileSync(summary, `${command}\n`);
  return true;
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
